package live.tributary.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.metainfo.WindowTorrent;
import live.tributary.protocol.notify.NotifyCodec;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.HelloProof;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import org.junit.jupiter.api.Test;

/** The bytes of version 1, kept: whoever changes one of them makes another protocol. */
class GoldenVectorsTest {
    @Test
    void bytesAreThoseOfVersion1() throws Exception {
        Properties golden = new Properties();
        try (InputStream in = GoldenVectorsTest.class.getResourceAsStream("vectors.properties")) {
            assertThat(in).isNotNull();
            golden.load(in);
        }
        Map<String, String> now = vectors();
        assertThat(now.keySet()).isEqualTo(golden.stringPropertyNames());
        now.forEach((name, hex) -> assertThat(hex).as(name).isEqualTo(golden.getProperty(name)));
    }

    private static Map<String, String> vectors() throws IOException {
        Samples samples = new Samples(2026);
        SigningKey stream = samples.key();
        SigningKey relay = samples.key();
        Map<String, byte[]> vectors = new LinkedHashMap<>();
        vectors.put("stream.seed", stream.seed());
        vectors.put("stream.key", stream.streamKey().bytes());
        vectors.put("relay.seed", relay.seed());
        vectors.put("relay.key", relay.relayKey().bytes());
        vectors.put("mesh.infohash", InfoHash.ofMesh(stream.streamKey()).bytes());
        List<ChunkRecord> chain = samples.chain(stream, 3, Duration.ofMillis(4004), 100_000);
        vectors.put("record.0", chain.get(0).encoded());
        vectors.put("record.1", chain.get(1).encoded());
        vectors.put("record.1.hash", chain.get(1).hash().bytes());
        vectors.put("chunk.1.info", ChunkTorrent.of(chain.get(1)).info());
        vectors.put("chunk.1.infohash", ChunkTorrent.of(chain.get(1)).infoHash().bytes());
        vectors.put("window.info", WindowTorrent.of(chain).info());
        vectors.put("window.infohash", WindowTorrent.of(chain).infoHash().bytes());
        var head = samples.head(stream, Samples.NOW.toEpochMilli(), 17, Samples.NOW.plusSeconds(600), Head.Status.LIVE);
        vectors.put("head.value", head.value());
        vectors.put("head.tuple", head.encode());
        var about = samples.about(stream);
        vectors.put("about", about.encoded());
        vectors.put("about.hash", about.hash().bytes());
        var descriptor = samples.descriptor(relay);
        vectors.put("descriptor", descriptor.encoded());
        byte[] diallerNonce = samples.bytes(LiveMessage.NONCE_LENGTH);
        byte[] acceptorNonce = samples.bytes(LiveMessage.NONCE_LENGTH);
        var dialled = samples.endpoint(false);
        var proof = new HelloProof(stream.streamKey(), diallerNonce, acceptorNonce, Optional.of(dialled));
        live(
                vectors,
                "hello",
                new LiveMessage.Hello(
                        diallerNonce,
                        relay.relayKey(),
                        NodeRole.RELAY,
                        Optional.of(dialled),
                        Optional.of(samples.endpoint(true))));
        live(vectors, "answer", new LiveMessage.HelloAnswer(proof.sign(NodeRole.RELAY, relay)));
        live(vectors, "head", new LiveMessage.HeadNews(head));
        live(vectors, "about", new LiveMessage.AboutNews(about));
        live(vectors, "record", new LiveMessage.RecordNews(chain.get(1)));
        live(vectors, "records-please", new LiveMessage.RecordsPlease(1, 5, 70));
        live(vectors, "records", new LiveMessage.Records(chain.subList(0, 2)));
        live(
                vectors,
                "window",
                new LiveMessage.Window(
                        List.of(new LiveMessage.Range(0, 3), new LiveMessage.Range(4_294_967_295L, 4_294_967_296L))));
        live(vectors, "tree", new LiveMessage.Tree(15, true));
        live(vectors, "coming", new LiveMessage.Coming(List.of(1L, 4_294_967_295L)));
        live(vectors, "relays", new LiveMessage.Relays(List.of(descriptor)));
        live(vectors, "load", new LiveMessage.Load(750));
        live(vectors, "stored", LiveMessage.Stored.sign(new ChunkId(1, 77), stream));
        var rotation = KeyEnd.rotation(stream, samples.key().streamKey(), Samples.NOW);
        live(vectors, "key-end", new LiveMessage.KeyEndNews(rotation));
        vectors.put("key-end.revoked", KeyEnd.revocation(stream, Samples.NOW).encoded());
        byte[] originNonce = samples.bytes(NotifyMessage.NONCE_LENGTH);
        byte[] gatewayNonce = samples.bytes(NotifyMessage.NONCE_LENGTH);
        var proofs = new NotifyProof(stream.streamKey(), relay.relayKey(), originNonce, gatewayNonce);
        notify(vectors, "open", new NotifyMessage.Open(stream.streamKey(), originNonce));
        notify(
                vectors,
                "challenge",
                new NotifyMessage.Challenge(relay.relayKey(), gatewayNonce, proofs.signByGateway(relay)));
        notify(vectors, "proof", new NotifyMessage.Proof(proofs.signByOrigin(stream)));
        ChunkRecord newest = chain.get(2);
        notify(
                vectors,
                "have",
                new NotifyMessage.Have(List.of(new NotifyMessage.Place(newest.chunk(), newest.hash()))));
        notify(vectors, "refused", new NotifyMessage.Refused("not listed here"));
        Map<String, String> hex = new LinkedHashMap<>();
        vectors.forEach((name, bytes) -> hex.put(name, HexFormat.of().formatHex(bytes)));
        return hex;
    }

    private static void live(Map<String, byte[]> vectors, String kind, LiveMessage message) {
        vectors.put("tb_live." + kind, LiveMessageCodec.encode(message));
    }

    private static void notify(Map<String, byte[]> vectors, String kind, NotifyMessage message) {
        vectors.put("notify." + kind, NotifyCodec.encode(message));
    }
}
