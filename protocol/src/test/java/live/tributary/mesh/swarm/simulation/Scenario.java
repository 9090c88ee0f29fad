package live.tributary.mesh.swarm.simulation;

import java.time.Duration;
import live.tributary.mesh.swarm.SwarmConfig;

/**
 * What is simulated.
 *
 * @param relays how many at any time
 * @param bitrate of the stream, bits a second
 * @param chunk how long each chunk plays
 * @param originUplink bits a second
 * @param chunks how many are published
 * @param measuredFrom the first chunk that counts
 * @param churnPerMinute the share of the relays that leave in a minute, as many others come
 * @param loss of a packet, probability
 * @param hostile the share of the relays that are hostile
 * @param killed the share of the relays that vanish at once in the middle of the run
 */
public record Scenario(
        long seed,
        int relays,
        long bitrate,
        Duration chunk,
        long originUplink,
        int chunks,
        int measuredFrom,
        double churnPerMinute,
        double loss,
        double hostile,
        double killed,
        SwarmConfig.Spreading spreading) {
    private static final long BITRATE = 3_000_000;
    private static final int FIRST_MINUTE = 15;

    /** The mesh: 3 Mbit/s in chunks of 4 s, an origin with twice that, everybody honest and lasting. */
    public static Scenario calm(long seed, int relays) {
        return new Scenario(
                seed,
                relays,
                BITRATE,
                Duration.ofSeconds(4),
                2 * BITRATE,
                FIRST_MINUTE + 15,
                FIRST_MINUTE,
                0,
                0,
                0,
                0,
                SwarmConfig.Spreading.TREES);
    }

    /** A tenth of the relays leaves each minute, one packet in a hundred is lost. */
    public static Scenario churning(long seed, int relays) {
        return calm(seed, relays).with(0.1, 0.01, 0, 0);
    }

    public static Scenario hostile(long seed, int relays) {
        return calm(seed, relays).with(0, 0, 0.5, 0);
    }

    public Scenario with(double churn, double packetLoss, double hostileShare, double killedShare) {
        return new Scenario(
                seed,
                relays,
                bitrate,
                chunk,
                originUplink,
                chunks,
                measuredFrom,
                churn,
                packetLoss,
                hostileShare,
                killedShare,
                spreading);
    }

    public Scenario with(SwarmConfig.Spreading other) {
        return new Scenario(
                seed,
                relays,
                bitrate,
                chunk,
                originUplink,
                chunks,
                measuredFrom,
                churnPerMinute,
                loss,
                hostile,
                killed,
                other);
    }

    /** The same where others have chosen hosts and stream. */
    Scenario at(Place place) {
        return new Scenario(
                seed,
                place.relays(),
                place.bitrate(),
                Duration.ofSeconds(place.segment()),
                place.hosts().get(0).up(),
                chunks,
                measuredFrom,
                churnPerMinute,
                place.loss(),
                hostile,
                killed,
                spreading);
    }

    public Scenario lasting(int from, int until) {
        return new Scenario(
                seed,
                relays,
                bitrate,
                chunk,
                originUplink,
                until,
                from,
                churnPerMinute,
                loss,
                hostile,
                killed,
                spreading);
    }

    /** Whether downlinks have no limit, lines carry no headers and everybody accepts connections, as in the model that the plain ways are compared with. */
    boolean isRough() {
        return spreading != SwarmConfig.Spreading.TREES;
    }

    int chunkBytes() {
        return (int) (bitrate / 8 * chunk.toMillis() / 1000);
    }

    /** S/U: what the origin needs to send a chunk once. */
    double idealSeconds() {
        return chunkBytes() * 8.0 / originUplink;
    }
}
