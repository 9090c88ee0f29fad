package live.tributary.origin.fallback;

import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * What a stream needs of uplink and relays, and what its bucket costs a month, by R2's prices.
 *
 * @param uplinkBits what the origin sends without a bucket, bits a second
 * @param relaysNeeded for all viewers, each rendition's whole rate taken for each
 * @param writes class A operations a month: a put for each chunk and each playlist, at most one a second, and the head's
 * @param reads class B operations a month: playlist and chunk by those viewers whom no relay reaches, and the origin's looks for what relays were
 *     to write
 * @param storedBytes the history
 * @param dollars a month, beyond the free tier
 */
public record CostEstimate(
        Plan plan, long uplinkBits, long relaysNeeded, long writes, long reads, long storedBytes, double dollars) {
    /** What the mesh sends beside the stream itself, at most. */
    private static final double MESH_OVERHEAD = 1.05;
    /** What of a relay's upload can be planned with. */
    private static final double RELAY_SHARE = 0.95;
    /** What part of the viewers' chunks the bucket serves while relays are up. */
    private static final double BUCKET_SHARE = 0.02;

    /** How often the origin looks, until a chunk is there that a relay writes. */
    private static final double LOOKS_FOR_A_CHUNK = 3;

    private static final int DAYS = 30;
    private static final double SECONDS_OF_AN_HOUR = 3600;
    private static final double HEADS_OF_AN_HOUR = 60;

    // R2's price list, US dollars; operations and gigabytes are billed in whole units.
    private static final double WRITES_PRICE_PER_MILLION = 4.50;
    private static final double READS_PRICE_PER_MILLION = 0.36;
    private static final double STORAGE_PRICE_PER_GIGABYTE = 0.015;
    private static final double FREE_WRITES = 1e6;
    private static final double FREE_READS = 10e6;
    private static final double FREE_GIGABYTES = 10;
    private static final double MILLION = 1e6;
    private static final double GIGABYTE = 1e9;

    /** What is asked about. */
    public record Plan(
            long bitsPerSecond,
            int viewers,
            int relays,
            long relayBitsPerSecond,
            int renditions,
            Duration segment,
            double hoursADay,
            Duration history) {
        public Plan {
            if (segment.isZero() || renditions < 1 || viewers < 0 || relays < 0 || hoursADay < 0 || hoursADay > 24) {
                throw new IllegalArgumentException("plan: segment " + segment + ", renditions " + renditions
                        + ", hours " + hoursADay + " (expected: > 0, at most 24 hours a day)");
            }
        }
    }

    public static CostEstimate of(Plan plan) {
        double hours = plan.hoursADay() * DAYS;
        double segmentSeconds = plan.segment().toMillis() / 1000.0;
        double chunksOfAnHour = SECONDS_OF_AN_HOUR / segmentSeconds;
        double listsOfAnHour = SECONDS_OF_AN_HOUR / Math.max(1, segmentSeconds);
        long writes =
                (long) Math.ceil(hours * ((chunksOfAnHour + listsOfAnHour) * plan.renditions() + HEADS_OF_AN_HOUR));
        double looksOfAnHour = plan.relays() == 0 ? 0 : LOOKS_FOR_A_CHUNK * chunksOfAnHour * plan.renditions();
        long reads = (long) Math.ceil(hours * (plan.viewers() * BUCKET_SHARE * 2 * chunksOfAnHour + looksOfAnHour));
        double onAir = Math.min(plan.history().toSeconds(), plan.hoursADay() * SECONDS_OF_AN_HOUR);
        long stored = (long) (plan.bitsPerSecond() / 8.0 * onAir);
        double dollars = Math.ceil(Math.max(0, writes - FREE_WRITES) / MILLION) * WRITES_PRICE_PER_MILLION
                + Math.ceil(Math.max(0, reads - FREE_READS) / MILLION) * READS_PRICE_PER_MILLION
                + Math.ceil(Math.max(0, stored / GIGABYTE - FREE_GIGABYTES)) * STORAGE_PRICE_PER_GIGABYTE;
        return new CostEstimate(
                plan,
                (long) (plan.bitsPerSecond() * MESH_OVERHEAD),
                (long) Math.ceil(
                        plan.viewers() * (double) plan.bitsPerSecond() / (plan.relayBitsPerSecond() * RELAY_SHARE)),
                writes,
                reads,
                stored,
                dollars);
    }

    /** The writes a month that so many dollars pay, with those that are free. */
    public static long writesFor(double dollars) {
        return (long) (FREE_WRITES + Math.floor(dollars / WRITES_PRICE_PER_MILLION) * MILLION);
    }

    /** For people. */
    public List<String> lines() {
        return List.of(
                line(
                        "uplink: %.1f Mbit/s; %.1f Mbit/s with a bucket that no relay writes to",
                        mega(uplinkBits), mega(uplinkBits + plan.bitsPerSecond())),
                line(
                        "relays: %d needed for %d viewers at %.1f Mbit/s each; %d are planned",
                        relaysNeeded, plan.viewers(), mega(plan.relayBitsPerSecond()), plan.relays()),
                line("bucket: %,d writes and %,d reads a month, %.2f GB stored", writes, reads, storedBytes / GIGABYTE),
                line("bucket: $%.2f a month at R2's prices, beyond what is free", dollars));
    }

    private static double mega(long bits) {
        return bits / MILLION;
    }

    private static String line(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
