package live.tributary.gateway.notify;

/** How fast one connection may push: a bucket of bytes; not thread-safe. */
final class PushRate {
    private static final double NANOS = 1e9;

    private final double bytesPerNano;
    private final double burst;
    private double balance;
    private long refilledAt;

    PushRate(long bytesPerSecond, long burst, long now) {
        this.bytesPerNano = bytesPerSecond / NANOS;
        this.burst = burst;
        this.balance = burst;
        this.refilledAt = now;
    }

    /** Takes bytes that have come; returns the nanoseconds for which no more are to be read. */
    long take(int bytes, long now) {
        balance = Math.min(burst, balance + (now - refilledAt) * bytesPerNano) - bytes;
        refilledAt = now;
        return balance >= 0 ? 0 : (long) Math.ceil(-balance / bytesPerNano);
    }
}
