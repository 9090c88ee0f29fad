package live.tributary.mesh.serve;

import java.time.Duration;

/**
 * What a server of torrents allows its clients.
 *
 * @param peers the most connections
 * @param peersPerAddress the most from one IPv4 address or IPv6 /64; this machine's own are not counted
 * @param uploadSlots how many clients are served at a time; the others wait their turn
 * @param turn how long a slot may be kept while others wait
 * @param silence how long a client may say nothing (BEP 3: clients send keep-alives every two minutes)
 * @param stalled how long nothing may leave while bytes wait to
 * @param uninterested how long a client may stay without interest
 */
public record ServeLimits(
        int peers,
        int peersPerAddress,
        int uploadSlots,
        Duration turn,
        Duration silence,
        Duration stalled,
        Duration uninterested) {
    /** A stream of a few Mbit/s needs no fewer bytes a second than this to be watched. */
    private static final long BITS_PER_SLOT = 500_000;

    private static final int MIN_SLOTS = 8;
    private static final int PEERS_PER_ADDRESS = 100;

    public ServeLimits {
        requirePositive("peers", peers);
        requirePositive("peers per address", peersPerAddress);
        requirePositive("upload slots", uploadSlots);
    }

    /** As many slots as the uplink has room for at a stream's pace. */
    public static ServeLimits of(int peers, long uploadBitsPerSecond) {
        return new ServeLimits(
                peers,
                PEERS_PER_ADDRESS,
                (int) Math.max(MIN_SLOTS, Math.min(peers, uploadBitsPerSecond / BITS_PER_SLOT)),
                Duration.ofSeconds(30),
                Duration.ofSeconds(150),
                Duration.ofSeconds(30),
                Duration.ofMinutes(5));
    }

    private static void requirePositive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
        }
    }
}
