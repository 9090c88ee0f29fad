package live.tributary.protocol.wire;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SignedKind;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/** A message of {@code tb_live}, the BEP 10 extension between the mesh nodes of one stream. */
public sealed interface LiveMessage {
    /** The extension's name in BEP 10's {@code m}. */
    String EXTENSION = "tb_live";

    int NONCE_LENGTH = 32;
    /** Stripes of pieces, one push tree each: a piece's stripe is its number mod this. */
    int STRIPES = 16;
    /** The most records in one answer to {@link RecordsPlease}: together at most {@link #MAX_RECORDS_BYTES}. */
    int MAX_RECORDS_BYTES = 256 * 1024;

    int MAX_RANGES = 1024;
    int MAX_RELAYS = 32;
    int MAX_COMING = 512;

    /**
     * Says who one is and asks for a proof of the same. Each side sends one; each is answered by {@link HelloAnswer}.
     *
     * @param nonce 32 random bytes
     * @param relay the sender's key
     * @param role what the sender does for this stream
     * @param dialled the endpoint at which the sender reached the receiver; only from the side that dialled
     * @param seen the receiver's address and port as the sender sees them: what a node behind a NAT learns its address from
     */
    record Hello(byte[] nonce, RelayKey relay, NodeRole role, Optional<Endpoint> dialled, Optional<Endpoint> seen)
            implements LiveMessage {}

    /** A signature (kind {@code hello}) over both nonces, the stream key and the endpoint as dialled. */
    record HelloAnswer(byte[] signature) implements LiveMessage {}

    /** The newest head that the sender knows, as a whole BEP 44 tuple. */
    record HeadNews(SignedHead head) implements LiveMessage {}

    record AboutNews(About about) implements LiveMessage {}

    /** A record that the receiver may not have. */
    record RecordNews(ChunkRecord record) implements LiveMessage {}

    /** Asks for the records of a rendition with {@code from <= seq <= to}; the answer may hold fewer, oldest first. */
    record RecordsPlease(int rendition, long from, long to) implements LiveMessage {}

    /** Answers {@link RecordsPlease}. */
    record Records(List<ChunkRecord> records) implements LiveMessage {
        public Records {
            records = List.copyOf(records);
        }
    }

    /** All pieces that the sender holds, as ranges; sent once, after HAVE_NONE, instead of a bitfield. */
    record Window(List<Range> held) implements LiveMessage {
        public Window {
            held = List.copyOf(held);
        }
    }

    /** Pieces {@code from <= piece < to}. */
    record Range(long from, long to) {
        public Range {
            if (from < 0 || to <= from || to > ChunkRecord.PIECE_LIMIT) {
                throw new IllegalArgumentException("range: " + from + ".." + to + " (expected: ascending, 32 bit)");
            }
        }
    }

    /** Joins ({@code graft}) or leaves the receiver's push tree of a stripe. */
    record Tree(int stripe, boolean graft) implements LiveMessage {}

    /** Pieces whose first bytes have reached the sender: they need no push to it. */
    record Coming(List<Long> pieces) implements LiveMessage {
        public Coming {
            pieces = List.copyOf(pieces);
        }
    }

    /** Relays whose every endpoint answered a challenge from the sender. */
    record Relays(List<RelayDescriptor> relays) implements LiveMessage {
        public Relays {
            relays = List.copyOf(relays);
        }
    }

    /** How much of its upload the sender uses, 0..1000 per mille; 1000 asks for no new requests. */
    record Load(int perMille) implements LiveMessage {}

    /** The origin's signed word (kind {@code stored}) that the bucket has a chunk. */
    record Stored(ChunkId chunk, byte[] signature) implements LiveMessage {
        public static Stored sign(ChunkId chunk, SigningKey streamKey) {
            return new Stored(chunk, streamKey.sign(SignedKind.STORED, body(streamKey.streamKey(), chunk)));
        }

        public boolean verifies(StreamKey stream) {
            return stream.verifies(SignedKind.STORED, body(stream, chunk), signature);
        }

        private static byte[] body(StreamKey stream, ChunkId chunk) {
            return Bencode.encode(Map.of("k", stream.bytes(), "r", chunk.rendition(), "s", chunk.seq()));
        }
    }

    /** The stream's key has ended, by its own word. */
    record KeyEndNews(KeyEnd end) implements LiveMessage {}

    /**
     * The origin's request (kind {@code put}) that one relay writes a chunk, which it holds, to the bucket, so that the origin's
     * uplink carries it only once. The bucket's own signature is among the headers and covers the object's name and the SHA-256
     * of its bytes: with it nothing else can be written.
     */
    record Put(Order order, byte[] signature) implements LiveMessage {
        /**
         * What is asked.
         *
         * @param relay to whom
         * @param url of the object
         * @param headers to be sent with it, each {@code name: value}
         * @param until when the request is worth nothing any more
         */
        public record Order(RelayKey relay, ChunkId chunk, URI url, List<String> headers, Instant until) {
            public static final int MAX_URL = 1536;
            public static final int MAX_HEADERS = 8;
            public static final int MAX_HEADER = 512;

            private static final Pattern HEADER = Pattern.compile("[a-z0-9-]{1,64}: [ -~]{1,440}");

            public Order {
                headers = List.copyOf(headers);
                if (url.toString().length() > MAX_URL || headers.size() > MAX_HEADERS) {
                    throw new IllegalArgumentException(
                            "put: URL of " + url.toString().length() + " and " + headers.size()
                                    + " headers (expected: <= " + MAX_URL + " and " + MAX_HEADERS + ")");
                }
                for (String header : headers) {
                    if (!HEADER.matcher(header).matches()) {
                        throw new IllegalArgumentException("header: " + header + " (expected: name: value)");
                    }
                }
            }

            private byte[] body(StreamKey stream) {
                return Bencode.encode(Map.of(
                        "k", stream.bytes(),
                        "to", relay.bytes(),
                        "r", chunk.rendition(),
                        "s", chunk.seq(),
                        "u", url.toString(),
                        "hs", headers,
                        "x", until.toEpochMilli()));
            }
        }

        public static Put sign(Order order, SigningKey streamKey) {
            return new Put(order, streamKey.sign(SignedKind.PUT, order.body(streamKey.streamKey())));
        }

        public boolean verifies(StreamKey stream) {
            return stream.verifies(SignedKind.PUT, order.body(stream), signature);
        }
    }
}
