package live.tributary.mesh.swarm.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;

/**
 * What came of a run, over the honest relays.
 *
 * @param uplink all that the origin sent, over the stream's bytes
 * @param p50 seconds from a chunk's publication to its verification at a relay
 * @param p95 the same; a missed chunk counts as twelve seconds
 * @param duplicates block bytes that were not wanted, over those that were taken and are what they should be; garbage is neither
 * @param missed chunks that a relay which was there ten seconds before did not get in twelve
 * @param badChunks chunks completed with bytes that are not the record's
 * @param must the bound for p95 over S/U, seconds; for meshes that have one
 * @param stretch the same
 */
public record Outcome(
        Scenario scenario,
        double uplink,
        double p50,
        double p95,
        double worst,
        double duplicates,
        int samples,
        int missed,
        int badChunks,
        double must,
        double stretch,
        long events) {
    private static final Duration PRESENT_BEFORE = Duration.ofSeconds(10);
    private static final double PIECE_BITS = 8.0 * ChunkRecord.PIECE_LENGTH;

    /** The counters as they stood when the measurement began. */
    static final class Start {
        private long originSent;
        private final Map<Node, Long> useful = new HashMap<>();
        private final Map<Node, Long> wasted = new HashMap<>();

        void take(Node origin, List<Node> everybody) {
            originSent = origin.sentBytes;
            for (Node node : everybody) {
                useful.put(node, node.usefulBytes);
                wasted.put(node, node.wastedBytes);
            }
        }
    }

    /** The counters as they stood when it ended. */
    static final class End {
        private long originSent;
        private long useful;
        private long wasted;
        private final Map<Node, long[]> counters = new HashMap<>();

        void take(Node origin, List<Node> everybody) {
            originSent = origin.sentBytes;
            for (Node node : everybody) {
                counters.put(node, new long[] {node.usefulBytes, node.wastedBytes});
            }
        }
    }

    static Outcome of(
            Scenario scenario,
            Start start,
            End end,
            List<Node> everybody,
            List<ChunkRecord> measured,
            Map<ChunkRecord, Long> publishedAt,
            long medianUplink,
            Duration rtt,
            long events) {
        List<Double> seconds = new ArrayList<>();
        int missed = 0;
        int bad = 0;
        for (Node node : everybody) {
            if (node.role != NodeRole.RELAY || !node.honest()) {
                continue;
            }
            bad += node.badChunks;
            for (ChunkRecord record : measured) {
                long at = publishedAt.get(record);
                long deadline = at + Simulation.MISSED_AFTER.toNanos();
                if (node.presentSince > at - PRESENT_BEFORE.toNanos() || node.goneAt < deadline) {
                    continue;
                }
                Long done = node.completed.get(record);
                if (done == null || done > deadline) {
                    missed++;
                    seconds.add(Simulation.MISSED_AFTER.toMillis() / 1e3);
                } else {
                    seconds.add((done - at) / 1e9);
                }
            }
            long[] counters = end.counters.get(node);
            if (counters != null) {
                end.useful += counters[0] - start.useful.getOrDefault(node, 0L);
                end.wasted += counters[1] - start.wasted.getOrDefault(node, 0L);
            }
        }
        double[] sorted = seconds.stream().mapToDouble(d -> d).sorted().toArray();
        double streamBytes = (double) scenario.chunkBytes() * measured.size();
        double piece = PIECE_BITS / medianUplink;
        double rttSeconds = rtt.toNanos() / 1e9;
        boolean small = scenario.relays() <= 10;
        double must = small ? 3 * rttSeconds + 4 * piece + 0.1 : scenario.relays() <= 100 ? 0.4 : 0.6;
        double stretch = small ? 2 * rttSeconds + 4 * piece : scenario.relays() <= 100 ? 0.25 : 0.4;
        double ideal = scenario.idealSeconds();
        // The issue gives the worse cases as multiples of the whole time, S/U included.
        double slackMust = scenario.hostile() > 0 ? 2 : scenario.churnPerMinute() > 0 ? 1.5 : 1;
        double slackStretch = scenario.hostile() > 0 ? 1.3 : scenario.churnPerMinute() > 0 ? 1.2 : 1;
        return new Outcome(
                scenario,
                (end.originSent - start.originSent) / streamBytes,
                percentile(sorted, 0.5),
                percentile(sorted, 0.95),
                percentile(sorted, 1),
                end.wasted / (double) Math.max(1, end.useful),
                sorted.length,
                missed,
                bad,
                slackMust * (ideal + must) - ideal,
                slackStretch * (ideal + stretch) - ideal,
                events);
    }

    /** The mean of runs that differ in their seeds; their worst, and what is counted of all of them. */
    static Outcome mean(List<Outcome> runs) {
        Outcome first = runs.get(0);
        return new Outcome(
                first.scenario,
                mean(runs, Outcome::uplink),
                mean(runs, Outcome::p50),
                mean(runs, Outcome::p95),
                runs.stream().mapToDouble(Outcome::worst).max().orElse(0),
                mean(runs, Outcome::duplicates),
                runs.stream().mapToInt(Outcome::samples).sum(),
                runs.stream().mapToInt(Outcome::missed).sum(),
                runs.stream().mapToInt(Outcome::badChunks).sum(),
                first.must,
                first.stretch,
                runs.stream().mapToLong(Outcome::events).sum());
    }

    private static double mean(List<Outcome> runs, ToDoubleFunction<Outcome> of) {
        return runs.stream().mapToDouble(of).average().orElse(0);
    }

    private static double percentile(double[] sorted, double share) {
        return sorted.length == 0
                ? 0
                : sorted[(int) Math.min(sorted.length - 1L, Math.round(share * (sorted.length - 1)))];
    }

    /** Seconds beyond S/U. */
    public double p95OverIdeal() {
        return p95 - scenario.idealSeconds();
    }

    @Override
    public String toString() {
        return String.format(
                java.util.Locale.ROOT,
                "%s seed %d: %d relays, uplink %.3f, p50 +%.3f, p95 +%.3f, worst +%.3f (must +%.3f, stretch +%.3f), duplicates %.2f %%,"
                        + " missed %d of %d, bad %d, %d events",
                scenario.spreading(),
                scenario.seed(),
                scenario.relays(),
                uplink,
                p50 - scenario.idealSeconds(),
                p95OverIdeal(),
                worst - scenario.idealSeconds(),
                must,
                stretch,
                100 * duplicates,
                missed,
                samples,
                badChunks,
                events);
    }
}
