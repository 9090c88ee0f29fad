package live.tributary.mesh.net;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The node's one allowance of bytes to send, shared by links, viewers, HTTP and the bucket, and callable from any thread.
 *
 * <p>A token bucket with a floor for each purpose: a purpose may take while the balance stands above its floor, so that the last
 * tokens are left for what is more urgent. Who was refused waits for as long as he is told and asks again.
 */
public final class UploadBudget {
    /** What bytes are sent for, the most urgent first. */
    public enum Purpose {
        /** Chunks at the live edge, to relays. */
        LIVE_TO_RELAYS(0),
        /** Chunks at the live edge, to viewers. */
        LIVE_TO_VIEWERS(0.2),
        /** Older chunks, to anybody. */
        OLDER(0.5),
        /** The bucket's copy. */
        BUCKET(0.8);

        private final double floor;

        Purpose(double floor) {
            this.floor = floor;
        }
    }

    /** How long the full rate can be saved up. */
    private static final double BURST_SECONDS = 0.25;
    /** A whole block and its header always fit into the burst, above the highest floor. */
    private static final double MIN_BURST = 128 * 1024;

    private final double bytesPerNano;
    private final double burst;
    private final LongSupplier nanoTime;
    private double balance;
    private long refilled;
    private long sent;

    /**
     * @param bitsPerSecond the most to send
     * @param nanoTime a monotonic clock, nanoseconds
     */
    public UploadBudget(long bitsPerSecond, LongSupplier nanoTime) {
        if (bitsPerSecond <= 0) {
            throw new IllegalArgumentException("upload: " + bitsPerSecond + " (expected: > 0)");
        }
        this.bytesPerNano = bitsPerSecond / 8.0 / TimeUnit.SECONDS.toNanos(1);
        this.burst = Math.max(MIN_BURST, bitsPerSecond / 8.0 * BURST_SECONDS);
        this.nanoTime = nanoTime;
        this.balance = burst;
        this.refilled = nanoTime.getAsLong();
    }

    /**
     * Takes {@code bytes}, or none of them.
     *
     * @return 0 where they were taken; else the nanoseconds after which it is worth asking again
     */
    public synchronized long take(Purpose purpose, int bytes) {
        refill();
        double above = balance - purpose.floor * burst;
        if (above > 0) {
            balance -= bytes; // May go below the floor, even below nothing: the next one waits for it.
            sent += bytes;
            return 0;
        }
        return (long) Math.ceil((1 - above) / bytesPerNano);
    }

    /** Counts bytes that were sent without asking: headers, answers, what cannot wait. */
    public synchronized void spend(int bytes) {
        refill();
        balance -= bytes;
        sent += bytes;
    }

    /** All bytes taken or spent so far. */
    public synchronized long sent() {
        return sent;
    }

    /** How much of the allowance is in use now, 0..1000. */
    public synchronized int loadPerMille() {
        refill();
        return (int) Math.round(1000 * Math.min(1, Math.max(0, 1 - balance / burst)));
    }

    private void refill() {
        long now = nanoTime.getAsLong();
        balance = Math.min(burst, balance + (now - refilled) * bytesPerNano);
        refilled = now;
    }
}
