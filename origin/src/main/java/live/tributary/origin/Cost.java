package live.tributary.origin;

import java.time.Duration;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.BitRate;
import live.tributary.mesh.program.UsageException;
import live.tributary.origin.fallback.CostEstimate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code origin.jar cost}: what a stream needs and what its bucket costs. */
@Command(
        name = "cost",
        description = "Tell the uplink and relays that a stream needs, and what its bucket costs a month.")
final class Cost implements Callable<Integer> {
    @Option(
            names = "--bitrate",
            paramLabel = "RATE",
            defaultValue = "3Mbit",
            description = "Of all renditions together.")
    private BitRate bitrate = new BitRate(1);

    @Option(names = "--viewers", paramLabel = "NUMBER", defaultValue = "100", description = "At the same time.")
    private int viewers;

    @Option(names = "--relays", paramLabel = "NUMBER", defaultValue = "10", description = "That carry the stream.")
    private int relays;

    @Option(names = "--relay-upload", paramLabel = "RATE", defaultValue = "10Mbit", description = "Of each relay.")
    private BitRate relayUpload = new BitRate(1);

    @Option(names = "--renditions", paramLabel = "NUMBER", defaultValue = "1", description = "Qualities of the feed.")
    private int renditions;

    @Option(names = "--segment", paramLabel = "TIME", defaultValue = "3s", description = "Length of a segment.")
    private Duration segment = Duration.ofSeconds(1);

    @Option(names = "--hours", paramLabel = "NUMBER", defaultValue = "4", description = "On air a day.")
    private double hours;

    @Option(names = "--history", paramLabel = "TIME", defaultValue = "1h", description = "How long chunks are kept.")
    private Duration history = Duration.ofHours(1);

    @Override
    public Integer call() {
        CostEstimate.of(plan()).lines().forEach(System.out::println);
        return 0;
    }

    private CostEstimate.Plan plan() {
        try {
            return new CostEstimate.Plan(
                    bitrate.bitsPerSecond(),
                    viewers,
                    relays,
                    relayUpload.bitsPerSecond(),
                    renditions,
                    segment,
                    hours,
                    history);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }
}
