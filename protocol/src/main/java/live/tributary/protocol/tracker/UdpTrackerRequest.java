package live.tributary.protocol.tracker;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import live.tributary.protocol.stream.InfoHash;

/** A datagram from a client to a tracker (BEP 15). */
public sealed interface UdpTrackerRequest {
    /** The longest request that is looked at, bytes: an announce with a long BEP 41 URL, or a full scrape. */
    int MAX_LENGTH = 2048;

    /** What a connect request starts with instead of a connection id. */
    long PROTOCOL = 0x41727101980L;

    int CONNECT = 0;
    int ANNOUNCE = 1;
    int SCRAPE = 2;

    int OPTION_END = 0;
    int OPTION_NOTHING = 1;
    int OPTION_URL_DATA = 2;
    int MAX_OPTION = 255;

    int HEADER_LENGTH = 16;
    int ANNOUNCE_LENGTH = 98;

    /** Asks for a connection id, without which nothing else is answered. */
    record Connect(int transactionId) implements UdpTrackerRequest {}

    /**
     * @param urlData what stands behind host and port in the tracker's URL, as far as the client tells it (BEP 41): a path and a
     *     query, one character a byte; empty where it does not
     */
    record Announce(long connectionId, int transactionId, AnnounceRequest request, String urlData)
            implements UdpTrackerRequest {
        public Announce {
            if (urlData.length() > MAX_LENGTH) {
                throw new IllegalArgumentException(
                        "url data: " + urlData.length() + " characters (expected: <= " + MAX_LENGTH + ")");
            }
        }

        public Announce(long connectionId, int transactionId, AnnounceRequest request) {
            this(connectionId, transactionId, request, "");
        }
    }

    record Scrape(long connectionId, int transactionId, ScrapeRequest request) implements UdpTrackerRequest {}

    /** Not a request, but may be answered with an error if the connection id is good. */
    record Malformed(long connectionId, int transactionId, String reason) implements UdpTrackerRequest {}

    /** No tracker request at all: nobody is to be answered, since the sender's address may be forged. */
    record Noise(String reason) implements UdpTrackerRequest {}

    /** Reads one datagram. */
    static UdpTrackerRequest read(ByteBuf in) {
        int length = in.readableBytes();
        if (length < HEADER_LENGTH || length > MAX_LENGTH) {
            return new Noise("length: " + length + " (expected: " + HEADER_LENGTH + ".." + MAX_LENGTH + ")");
        }
        long connectionId = in.readLong();
        int action = in.readInt();
        int transactionId = in.readInt();
        if (connectionId == PROTOCOL) {
            return action == CONNECT
                    ? new Connect(transactionId)
                    : new Noise("action: " + action + " (expected: connect)");
        }
        return switch (action) {
            case ANNOUNCE -> readAnnounce(connectionId, transactionId, in);
            case SCRAPE -> readScrape(connectionId, transactionId, in);
            default -> new Malformed(connectionId, transactionId, "action: " + action + " (expected: 1 or 2)");
        };
    }

    private static UdpTrackerRequest readAnnounce(long connectionId, int transactionId, ByteBuf in) {
        if (in.readableBytes() < ANNOUNCE_LENGTH - HEADER_LENGTH) {
            return new Malformed(
                    connectionId,
                    transactionId,
                    "announce: " + (HEADER_LENGTH + in.readableBytes()) + " bytes (expected: >= " + ANNOUNCE_LENGTH
                            + ")");
        }
        InfoHash infoHash = InfoHash.of(bytes(in, InfoHash.LENGTH));
        PeerId peerId = PeerId.of(bytes(in, PeerId.LENGTH));
        long downloaded = in.readLong();
        long left = in.readLong();
        long uploaded = in.readLong();
        AnnounceEvent event = AnnounceEvent.fromNumber(in.readInt());
        in.skipBytes(Integer.BYTES); // The address that the client claims: see AnnounceRequest.
        in.skipBytes(Integer.BYTES); // The key would prove a change of address, and peers are keyed by address.
        int wanted = in.readInt();
        int port = in.readUnsignedShort();
        AnnounceRequest request = new AnnounceRequest(
                infoHash,
                peerId,
                downloaded,
                left < 0 ? OptionalLong.empty() : OptionalLong.of(left),
                uploaded,
                event,
                wanted < 0 ? OptionalInt.empty() : OptionalInt.of(wanted),
                port);
        return new Announce(connectionId, transactionId, request, in.isReadable() ? readUrlData(in) : "");
    }

    /**
     * BEP 41: options behind an announce, of which only URL data is known; its parts belong together. Others are passed over, and
     * where one is cut short or the end is told, nothing more is looked at: an announce is no worse for what some clients pad it with.
     */
    private static String readUrlData(ByteBuf in) {
        StringBuilder data = new StringBuilder();
        while (in.isReadable()) {
            int option = in.readUnsignedByte();
            if (option == OPTION_NOTHING) {
                continue;
            }
            if (option == OPTION_END || !in.isReadable()) {
                break;
            }
            int length = in.readUnsignedByte();
            if (length > in.readableBytes()) {
                break;
            }
            CharSequence value = in.readCharSequence(length, StandardCharsets.ISO_8859_1);
            if (option == OPTION_URL_DATA) {
                data.append(value);
            }
        }
        return data.toString();
    }

    private static UdpTrackerRequest readScrape(long connectionId, int transactionId, ByteBuf in) {
        int length = in.readableBytes();
        int max = ScrapeRequest.MAX_INFO_HASHES * InfoHash.LENGTH;
        if (length == 0 || length % InfoHash.LENGTH != 0 || length > max) {
            return new Malformed(
                    connectionId,
                    transactionId,
                    "info hashes: " + length + " bytes (expected: 1.." + ScrapeRequest.MAX_INFO_HASHES + " times 20)");
        }
        List<InfoHash> infoHashes = new ArrayList<>();
        while (in.isReadable()) {
            infoHashes.add(InfoHash.of(bytes(in, InfoHash.LENGTH)));
        }
        return new Scrape(connectionId, transactionId, new ScrapeRequest(infoHashes));
    }

    private static byte[] bytes(ByteBuf in, int length) {
        byte[] bytes = new byte[length];
        in.readBytes(bytes);
        return bytes;
    }

    /** Writes a request as a client sends it. */
    static void write(UdpTrackerRequest request, ByteBuf out) {
        if (request instanceof Connect connect) {
            out.writeLong(PROTOCOL).writeInt(CONNECT).writeInt(connect.transactionId());
        } else if (request instanceof Announce announce) {
            out.writeLong(announce.connectionId()).writeInt(ANNOUNCE).writeInt(announce.transactionId());
            AnnounceRequest body = announce.request();
            out.writeBytes(body.infoHash().bytes())
                    .writeBytes(body.peerId().bytes())
                    .writeLong(body.downloaded())
                    .writeLong(body.left().orElse(-1))
                    .writeLong(body.uploaded())
                    .writeInt(body.event().ordinal())
                    .writeInt(0)
                    .writeInt(0)
                    .writeInt(body.wanted().orElse(-1))
                    .writeShort(body.port());
            byte[] urlData = announce.urlData().getBytes(StandardCharsets.ISO_8859_1);
            for (int from = 0; from < urlData.length; from += MAX_OPTION) {
                int length = Math.min(MAX_OPTION, urlData.length - from);
                out.writeByte(OPTION_URL_DATA).writeByte(length).writeBytes(urlData, from, length);
            }
        } else if (request instanceof Scrape scrape) {
            out.writeLong(scrape.connectionId()).writeInt(SCRAPE).writeInt(scrape.transactionId());
            scrape.request().infoHashes().forEach(infoHash -> out.writeBytes(infoHash.bytes()));
        } else {
            throw new IllegalArgumentException("request: " + request + " (expected: connect, announce or scrape)");
        }
    }
}
