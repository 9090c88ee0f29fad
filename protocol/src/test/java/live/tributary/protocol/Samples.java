package live.tributary.protocol;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;

/** Formats' values made from a seed: the same seed, the same bytes. */
public final class Samples {
    /** A moment that all samples without a clock of their own share. */
    public static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");

    private final Random random;

    public Samples(long seed) {
        this.random = new Random(seed);
    }

    public Random random() {
        return random;
    }

    public byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    public SigningKey key() {
        return SigningKey.fromSeed(bytes(SigningKey.SEED_LENGTH));
    }

    public Endpoint endpoint(boolean ipv6) {
        byte[] address = bytes(ipv6 ? 16 : 4);
        address[0] = ipv6 ? 0x20 : (byte) 93;
        try {
            return new Endpoint(InetAddress.getByAddress(address), 1024 + random.nextInt(60_000));
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** The record of these bytes, as an origin makes it. */
    public static ChunkRecord record(
            SigningKey key,
            long term,
            ChunkId chunk,
            Optional<ChunkRecord> previous,
            Instant published,
            Duration start,
            Duration duration,
            long discontinuities,
            long firstPiece,
            byte[] content) {
        return ChunkRecord.sign(
                new ChunkRecord.Body(
                        key.streamKey(),
                        term,
                        chunk,
                        previous.map(ChunkRecord::hash),
                        published,
                        start,
                        duration,
                        discontinuities,
                        Container.TS,
                        0,
                        content.length,
                        Sha256.ofContent(content),
                        firstPiece,
                        new PieceHashes(pieceHashes(content)),
                        InfoHash.of(paddedLast(content))),
                key);
    }

    /** A record of random content. */
    public ChunkRecord record(SigningKey key) {
        byte[] content = bytes(1 + random.nextInt(300_000));
        return record(
                key,
                NOW.toEpochMilli() - random.nextInt(1_000_000),
                new ChunkId(random.nextInt(4), random.nextInt(1_000_000)),
                Optional.empty(),
                NOW,
                Duration.ofMillis(random.nextInt(10_000_000)),
                Duration.ofMillis(1 + random.nextInt(10_000)),
                random.nextInt(3),
                Integer.toUnsignedLong(random.nextInt()),
                content);
    }

    /** {@code count} chained records of rendition 0 that last {@code duration} each, from media time 0 and piece 0. */
    public List<ChunkRecord> chain(SigningKey key, int count, Duration duration, int length) {
        List<ChunkRecord> records = new ArrayList<>();
        Optional<ChunkRecord> previous = Optional.empty();
        long piece = 0;
        for (int seq = 0; seq < count; seq++) {
            ChunkRecord record = record(
                    key,
                    NOW.toEpochMilli(),
                    new ChunkId(0, seq),
                    previous,
                    NOW.plus(duration.multipliedBy(seq)),
                    duration.multipliedBy(seq),
                    duration,
                    0,
                    piece,
                    bytes(length));
            piece = record.endPiece();
            previous = Optional.of(record);
            records.add(record);
        }
        return records;
    }

    public About about(SigningKey key) {
        return About.sign(
                new About.Body(
                        key.streamKey(),
                        "Radio Röhre",
                        "title " + random.nextInt(),
                        "Notes from a shed.",
                        List.of("music", "talk"),
                        Optional.of("en"),
                        Optional.of(new About.Poster(
                                URI.create("https://example.com/poster.jpg"), Sha256.of(bytes(Sha256.LENGTH)))),
                        List.of(new Rendition(0, Rendition.Kind.VARIANT, "BANDWIDTH=800000")),
                        Duration.ofSeconds(4),
                        Optional.empty()),
                key);
    }

    public SignedHead head(SigningKey key, long term, long seq, Instant expires, Head.Status status) {
        return SignedHead.sign(
                new Head(
                        seq,
                        expires,
                        status,
                        term,
                        Optional.of(InfoHash.of(bytes(InfoHash.LENGTH))),
                        Optional.of(URI.create("https://cdn.example.com/live")),
                        List.of(endpoint(false), endpoint(true)),
                        Sha256.of(bytes(Sha256.LENGTH))),
                key);
    }

    /** What a relay with nothing of note says of itself. */
    public static RelayDescriptor descriptor(
            SigningKey key, List<Endpoint> endpoints, Optional<RelayDescriptor.Region> region, Instant expires) {
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        key.relayKey(),
                        NodeRole.RELAY,
                        endpoints,
                        Optional.empty(),
                        List.of(),
                        region,
                        1_000_000,
                        0,
                        "test",
                        Optional.empty(),
                        expires),
                key);
    }

    public RelayDescriptor descriptor(SigningKey key) {
        return RelayDescriptor.sign(
                new RelayDescriptor.Body(
                        key.relayKey(),
                        NodeRole.RELAY,
                        List.of(endpoint(false), endpoint(true)),
                        Optional.of("relay.example.net"),
                        List.of(0, 1),
                        Optional.of(new RelayDescriptor.Region(52, 13)),
                        10_000_000,
                        random.nextInt(1001),
                        "tributary/0.1",
                        Optional.empty(),
                        NOW.plusSeconds(300)),
                key);
    }

    private static byte[] pieceHashes(byte[] content) {
        var sha1 = Digests.sha1();
        int count = ChunkRecord.pieceCount(content.length);
        byte[] hashes = new byte[count * PieceHashes.HASH_LENGTH];
        for (int piece = 0; piece < count; piece++) {
            int from = piece * ChunkRecord.PIECE_LENGTH;
            sha1.update(content, from, Math.min(ChunkRecord.PIECE_LENGTH, content.length - from));
            System.arraycopy(sha1.digest(), 0, hashes, piece * PieceHashes.HASH_LENGTH, PieceHashes.HASH_LENGTH);
        }
        return hashes;
    }

    private static byte[] paddedLast(byte[] content) {
        int from = (ChunkRecord.pieceCount(content.length) - 1) * ChunkRecord.PIECE_LENGTH;
        byte[] last = java.util.Arrays.copyOfRange(content, from, from + ChunkRecord.PIECE_LENGTH);
        return Digests.sha1().digest(last);
    }
}
