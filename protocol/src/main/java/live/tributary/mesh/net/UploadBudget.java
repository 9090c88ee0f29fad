package live.tributary.mesh.net;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The node's one allowance of bytes to send above TCP, shared by links, viewers, HTTP and the bucket, and callable from any thread.
 *
 * <p>A token bucket with a floor for each purpose: a purpose may take while the balance stands above its floor, so that the last
 * tokens are left for what is more urgent. Beside that every purpose but the most urgent is assured a small share of the rate,
 * so that nothing waits for ever. Who was refused waits for as long as he is told and asks again.
 *
 * <p>Little can be saved up: what is handed to the kernel at once leaves in the order of its queues, not in the order of urgency,
 * and a line with more before it than its queue holds drops packets. But what came in while somebody waited is kept for longer, as
 * long as he may still come: a busy machine wakes its threads late, and loses no upload by that.
 */
public final class UploadBudget {
    /** What bytes are sent for, the most urgent first. */
    public enum Purpose {
        /** Chunks at the live edge, to relays. */
        LIVE_TO_RELAYS(0, 0),
        /** Chunks at the live edge, to viewers. */
        LIVE_TO_VIEWERS(0.2, 0.03),
        /** Older chunks, to anybody. */
        OLDER(0.5, 0.02),
        /** The bucket's copy. */
        BUCKET(0.8, 0.01);

        private final double floor;
        private final double assured;

        Purpose(double floor, double assured) {
            this.floor = floor;
            this.assured = assured;
        }
    }

    /** How long the full rate can be saved up. */
    private static final double BURST_SECONDS = 0.05;
    /** The same while somebody who has been told to wait is late by no more than this. */
    private static final double LATE_SECONDS = 0.2;
    /** Floors must lie apart by more than a message. */
    private static final double MIN_BURST = 48 * 1024;
    /** A block of the wire. */
    private static final int BLOCK = 16 * 1024;
    /** Over how long the load is averaged. */
    private static final double LOAD_NANOS = 2e9;

    private static final int MAX_GRAIN = 256 * 1024;
    private static final int GRAINS = 16;

    private final double bytesPerNano;
    private final double burst;
    private final double lateBurst;
    private final int grain;
    private final LongSupplier nanoTime;
    private final double[] assured = new double[Purpose.values().length];
    private double balance;
    /** Until when those who were told to wait may still come; nobody is awaited where it has passed. */
    private long awaitedUntil;

    private double recent;
    private long refilled;
    private long sent;
    private int unacknowledged;

    /**
     * @param bitsPerSecond the most to send, above TCP and in full packets: {@link LinePackets#aboveTcp} of a line
     * @param nanoTime a monotonic clock, nanoseconds
     */
    public UploadBudget(long bitsPerSecond, LongSupplier nanoTime) {
        if (bitsPerSecond <= 0) {
            throw new IllegalArgumentException("upload: " + bitsPerSecond + " (expected: > 0)");
        }
        this.bytesPerNano = bitsPerSecond / 8.0 / TimeUnit.SECONDS.toNanos(1);
        this.burst = Math.max(MIN_BURST, bitsPerSecond / 8.0 * BURST_SECONDS);
        this.grain = (int) Math.min(MAX_GRAIN, burst / GRAINS);
        this.lateBurst = Math.max(burst, bitsPerSecond / 8.0 * LATE_SECONDS);
        this.nanoTime = nanoTime;
        this.balance = burst;
        this.refilled = nanoTime.getAsLong();
        this.awaitedUntil = refilled;
    }

    /**
     * Takes {@code bytes}, or none of them.
     *
     * @return 0 where they were taken; else the nanoseconds after which it is worth asking again
     */
    public synchronized long take(Purpose purpose, int bytes) {
        refill();
        int at = purpose.ordinal();
        double above = balance - purpose.floor * burst;
        if (above > 0) {
            assured[at] = Math.min(assured[at], 0);
            count(bytes, bytes); // May go below the floor, even below nothing: the next one waits for it.
            return 0;
        }
        if (assured[at] > 0) {
            assured[at] -= bytes;
            count(bytes, bytes);
            return 0;
        }
        double wait = (1 - above) / bytesPerNano;
        if (purpose.assured > 0) {
            wait = Math.min(wait, (1 - assured[at]) / (bytesPerNano * purpose.assured));
        }
        long told = (long) Math.ceil(wait);
        long late = refilled + told + (long) (LATE_SECONDS * TimeUnit.SECONDS.toNanos(1));
        awaitedUntil = late - awaitedUntil > 0 ? late : awaitedUntil;
        return told;
    }

    /** How many bytes are best taken at a time: so many that asking costs little, so few that nobody waits long for them. */
    public int grain() {
        return grain;
    }

    /** Counts bytes that were sent without asking, in packets of their own: headers, answers, what cannot wait. */
    public synchronized void spend(int bytes) {
        refill();
        count(bytes, LinePackets.ofMessage(bytes));
    }

    /**
     * Counts what it takes to acknowledge bytes that came. By their number alone, not by that of the messages: else one who sends
     * many small ones could take the whole allowance.
     */
    public synchronized void acknowledge(int bytes) {
        unacknowledged += bytes;
        if (unacknowledged >= LinePackets.ACKNOWLEDGED_AT_ONCE) {
            refill();
            int whole = unacknowledged - unacknowledged % LinePackets.ACKNOWLEDGED_AT_ONCE;
            count(0, LinePackets.ofAcknowledging(whole));
            unacknowledged -= whole;
        }
    }

    private void count(int bytes, int onLine) {
        balance -= onLine;
        sent += bytes;
        recent += onLine;
    }

    /** All bytes above TCP taken or spent so far. */
    public synchronized long sent() {
        return sent;
    }

    /** How much of the allowance was in use in the last seconds, 0..1000. */
    public synchronized int loadPerMille() {
        refill();
        return (int) Math.round(1000 * Math.min(1, recent / (LOAD_NANOS * bytesPerNano)));
    }

    private void refill() {
        long now = nanoTime.getAsLong();
        double nanos = now - refilled;
        refilled = now;
        double most = now - awaitedUntil < 0 ? lateBurst : burst;
        balance = Math.min(most, balance + nanos * bytesPerNano);
        recent *= Math.exp(-nanos / LOAD_NANOS);
        for (Purpose purpose : Purpose.values()) {
            int at = purpose.ordinal();
            assured[at] = Math.min(BLOCK, assured[at] + nanos * bytesPerNano * purpose.assured);
        }
    }
}
