package live.tributary.protocol.tracker;

import io.netty.buffer.ByteBuf;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;

/** A datagram from a tracker to a client (BEP 15). */
public sealed interface UdpTrackerResponse {
    /** The longest response that is looked at, bytes. */
    int MAX_LENGTH = 4096;

    int ERROR = 3;

    int transactionId();

    record Connected(int transactionId, long connectionId) implements UdpTrackerResponse {}

    /** The peers are all of the family of the client's address: the datagram has no room to say which. */
    record Announced(int transactionId, AnnounceResponse response) implements UdpTrackerResponse {}

    record Scraped(int transactionId, ScrapeRequest request, ScrapeResponse response) implements UdpTrackerResponse {}

    record Failed(int transactionId, String reason) implements UdpTrackerResponse {}

    /**
     * Writes a response; peers that are not of the client's family are left out.
     *
     * @param client the address to which it goes
     */
    static void write(UdpTrackerResponse response, InetAddress client, ByteBuf out) {
        if (response instanceof Connected connected) {
            out.writeInt(UdpTrackerRequest.CONNECT)
                    .writeInt(connected.transactionId())
                    .writeLong(connected.connectionId());
        } else if (response instanceof Announced announced) {
            AnnounceResponse body = announced.response();
            out.writeInt(UdpTrackerRequest.ANNOUNCE)
                    .writeInt(announced.transactionId())
                    .writeInt((int) body.interval().toSeconds())
                    .writeInt(body.leechers())
                    .writeInt(body.seeders());
            body.compactPeers().write(!(client instanceof Inet6Address), out);
        } else if (response instanceof Scraped scraped) {
            out.writeInt(UdpTrackerRequest.SCRAPE).writeInt(scraped.transactionId());
            for (InfoHash infoHash : scraped.request().infoHashes()) {
                ScrapeResponse.Counts counts =
                        scraped.response().swarms().getOrDefault(infoHash, ScrapeResponse.Counts.NONE);
                out.writeInt(counts.seeders()).writeInt(counts.completed()).writeInt(counts.leechers());
            }
        } else if (response instanceof Failed failed) {
            out.writeInt(ERROR)
                    .writeInt(failed.transactionId())
                    .writeBytes(failed.reason().getBytes(StandardCharsets.UTF_8));
        }
    }

    /**
     * Reads the response to a request that was sent.
     *
     * @param client the address from which it was sent: its family is the peers'
     */
    static UdpTrackerResponse read(ByteBuf in, UdpTrackerRequest request, InetAddress client) throws FormatException {
        if (in.readableBytes() < 2 * Integer.BYTES || in.readableBytes() > MAX_LENGTH) {
            throw new FormatException("length: " + in.readableBytes() + " (expected: 8.." + MAX_LENGTH + ")");
        }
        int action = in.readInt();
        int transactionId = in.readInt();
        if (action == ERROR) {
            return new Failed(
                    transactionId,
                    in.readCharSequence(in.readableBytes(), StandardCharsets.UTF_8)
                            .toString());
        }
        if (action == UdpTrackerRequest.CONNECT
                && request instanceof UdpTrackerRequest.Connect
                && in.readableBytes() >= Long.BYTES) {
            return new Connected(transactionId, in.readLong());
        }
        if (action == UdpTrackerRequest.ANNOUNCE
                && request instanceof UdpTrackerRequest.Announce
                && in.readableBytes() >= 3 * Integer.BYTES) {
            return new Announced(transactionId, readAnnounced(in, compactLength(client)));
        }
        if (action == UdpTrackerRequest.SCRAPE && request instanceof UdpTrackerRequest.Scrape scrape) {
            return new Scraped(transactionId, scrape.request(), readScraped(in, scrape.request()));
        }
        throw new FormatException("action: " + action + " (expected: that of the request, and its fields)");
    }

    private static AnnounceResponse readAnnounced(ByteBuf in, int compactLength) throws FormatException {
        int interval = in.readInt();
        int leechers = in.readInt();
        int seeders = in.readInt();
        if (in.readableBytes() % compactLength != 0) {
            throw new FormatException(
                    "peers: " + in.readableBytes() + " bytes (expected: a multiple of " + compactLength + ")");
        }
        List<Endpoint> peers = new ArrayList<>();
        byte[] compact = new byte[compactLength];
        while (in.isReadable()) {
            in.readBytes(compact);
            peers.add(Endpoint.fromCompact(compact));
        }
        try {
            return new AnnounceResponse(Duration.ofSeconds(interval), seeders, leechers, peers);
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    private static ScrapeResponse readScraped(ByteBuf in, ScrapeRequest request) throws FormatException {
        int expected = request.infoHashes().size() * 3 * Integer.BYTES;
        if (in.readableBytes() != expected) {
            throw new FormatException("swarms: " + in.readableBytes() + " bytes (expected: " + expected + ")");
        }
        Map<InfoHash, ScrapeResponse.Counts> swarms = new LinkedHashMap<>();
        for (InfoHash infoHash : request.infoHashes()) {
            swarms.put(infoHash, new ScrapeResponse.Counts(in.readInt(), in.readInt(), in.readInt()));
        }
        return new ScrapeResponse(swarms);
    }

    private static int compactLength(InetAddress address) {
        return address instanceof Inet6Address ? Endpoint.COMPACT_V6 : Endpoint.COMPACT_V4;
    }
}
