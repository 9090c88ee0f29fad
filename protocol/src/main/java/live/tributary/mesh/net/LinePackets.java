package live.tributary.mesh.net;

/**
 * What a line carries beside the bytes above TCP: 52 bytes of IPv4 and TCP headers, with timestamps, on each packet of at most
 * 1,500, and a packet without payload for every second one that came.
 *
 * <p>A line that is given more than it carries drops packets, and who waits for those waits for round trips.
 */
public final class LinePackets {
    private static final int PACKET = 1500;
    private static final int HEADERS = 52;
    private static final int PAYLOAD = PACKET - HEADERS;

    /** How many bytes that came are acknowledged at once. */
    static final int ACKNOWLEDGED_AT_ONCE = 2 * PAYLOAD;

    private LinePackets() {}

    /** What remains of a line's rate above TCP where all packets are full. */
    public static long aboveTcp(long lineBitsPerSecond) {
        return Math.max(1, (long) ((double) lineBitsPerSecond * PAYLOAD / PACKET));
    }

    /** What a message takes that leaves in packets of its own, as bytes of full packets above TCP. */
    public static int ofMessage(int bytes) {
        int packets = (bytes + PAYLOAD - 1) / PAYLOAD;
        return inFullPackets(bytes + packets * HEADERS);
    }

    /** What it takes to acknowledge so many bytes, the same. */
    public static int ofAcknowledging(int bytes) {
        int packets = (bytes + PAYLOAD - 1) / PAYLOAD;
        return inFullPackets((packets + 1) / 2 * HEADERS);
    }

    private static int inFullPackets(int lineBytes) {
        return (int) ((long) lineBytes * PAYLOAD / PACKET);
    }
}
