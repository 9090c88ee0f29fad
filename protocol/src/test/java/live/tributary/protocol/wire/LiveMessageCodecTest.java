package live.tributary.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import live.tributary.protocol.Samples;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LiveMessageCodecTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void readsWhatItWrote(long seed) throws Exception {
        for (LiveMessage message : oneOfEach(new Samples(seed))) {
            byte[] encoded = LiveMessageCodec.encode(message);
            LiveMessage read = LiveMessageCodec.decode(encoded);
            assertThat(read).hasSameClassAs(message);
            assertThat(LiveMessageCodec.encode(read)).isEqualTo(encoded);
        }
    }

    @Test
    void coversEveryKind() {
        assertThat(oneOfEach(new Samples(1)).stream().map(Object::getClass).distinct())
                .hasSize(LiveMessage.class.getPermittedSubclasses().length);
    }

    @Test
    void everyCutAndEveryByteMoreIsRefused() {
        for (LiveMessage message : oneOfEach(new Samples(7))) {
            byte[] encoded = LiveMessageCodec.encode(message);
            for (int length = 0; length < Math.min(encoded.length, 600); length++) {
                byte[] cut = Arrays.copyOf(encoded, length);
                assertThatThrownBy(() -> LiveMessageCodec.decode(cut)).isInstanceOf(FormatException.class);
            }
            byte[] longer = Arrays.copyOf(encoded, encoded.length + 1);
            assertThatThrownBy(() -> LiveMessageCodec.decode(longer)).isInstanceOf(FormatException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23})
    void noFlippedBitBreaksTheReader(long seed) {
        Samples samples = new Samples(seed);
        for (LiveMessage message : oneOfEach(samples)) {
            for (int round = 0; round < 200; round++) {
                byte[] encoded = LiveMessageCodec.encode(message);
                int bit = samples.random().nextInt(encoded.length * 8);
                encoded[bit / 8] ^= (byte) (1 << bit % 8);
                try {
                    // Keys that are not known are passed over; what is read can be written again.
                    LiveMessage read = LiveMessageCodec.decode(encoded);
                    assertThat(LiveMessageCodec.decode(LiveMessageCodec.encode(read)))
                            .hasSameClassAs(read);
                } catch (FormatException expected) {
                    assertThat(expected).hasMessageMatching("(?s).+");
                }
            }
        }
    }

    @Test
    void rangesAndPiecesReachTheLastNumber() throws Exception {
        LiveMessage.Window window = new LiveMessage.Window(List.of(
                new LiveMessage.Range(0, 1),
                new LiveMessage.Range(ChunkRecord.PIECE_LIMIT - 1, ChunkRecord.PIECE_LIMIT)));
        assertThat(LiveMessageCodec.decode(LiveMessageCodec.encode(window))).isEqualTo(window);
        LiveMessage.Coming coming = new LiveMessage.Coming(List.of(ChunkRecord.PIECE_LIMIT - 1));
        assertThat(LiveMessageCodec.decode(LiveMessageCodec.encode(coming))).isEqualTo(coming);
    }

    @Test
    void theLongestListsPassAndOneMoreDoesNot() throws Exception {
        LiveMessage.Range range = new LiveMessage.Range(5, 9);
        passes(new LiveMessage.Window(Collections.nCopies(LiveMessage.MAX_RANGES, range)));
        isRefused(
                "6:window1:p" + (LiveMessage.MAX_RANGES + 1) * 8 + ":" + "\0".repeat((LiveMessage.MAX_RANGES + 1) * 8));
        passes(new LiveMessage.Coming(
                LongStream.range(0, LiveMessage.MAX_COMING).boxed().toList()));
        isRefused(
                "6:coming1:p" + (LiveMessage.MAX_COMING + 1) * 4 + ":" + "\0".repeat((LiveMessage.MAX_COMING + 1) * 4));
        RelayDescriptor descriptor = new Samples(3).descriptor(new Samples(3).key());
        passes(new LiveMessage.Relays(Collections.nCopies(LiveMessage.MAX_RELAYS, descriptor)));
        byte[] oneMore = LiveMessageCodec.encode(
                new LiveMessage.Relays(Collections.nCopies(LiveMessage.MAX_RELAYS + 1, descriptor)));
        assertThatThrownBy(() -> LiveMessageCodec.decode(oneMore)).isInstanceOf(FormatException.class);
    }

    @Test
    void aPageOfRecordsHasNoByteMoreThanItsMaximum() throws Exception {
        Samples samples = new Samples(9);
        SigningKey key = samples.key();
        List<ChunkRecord> records = new ArrayList<>();
        int bytes = 0;
        for (ChunkRecord record = samples.record(key); ; record = samples.record(key)) {
            if (bytes + record.encodedLength() > LiveMessage.MAX_RECORDS_BYTES) {
                passes(new LiveMessage.Records(records));
                records.add(record);
                break;
            }
            bytes += record.encodedLength();
            records.add(record);
        }
        byte[] over = LiveMessageCodec.encode(new LiveMessage.Records(records));
        assertThatThrownBy(() -> LiveMessageCodec.decode(over)).isInstanceOf(FormatException.class);
    }

    @Test
    void everyKindHasAMaximumOfItsOwn() {
        for (LiveMessage message : oneOfEach(new Samples(4))) {
            String encoded = new String(LiveMessageCodec.encode(message), StandardCharsets.ISO_8859_1);
            String padded = encoded.substring(0, encoded.length() - 1) + "1:z" + LiveMessageCodec.MAX_ENCODED + ":"
                    + "z".repeat(LiveMessageCodec.MAX_ENCODED) + "e";
            assertThatThrownBy(() -> LiveMessageCodec.decode(padded.getBytes(StandardCharsets.ISO_8859_1)))
                    .isInstanceOf(LiveMessageCodec.OversizedException.class);
        }
    }

    @Test
    void aRecordOfOneByteMoreThanItsMaximumIsToldToBeTooLong() {
        byte[] oversized = record(ChunkRecord.MAX_ENCODED + 1);
        assertThatThrownBy(() -> LiveMessageCodec.decode(oversized))
                .isInstanceOf(LiveMessageCodec.OversizedException.class);
        byte[] longest = record(ChunkRecord.MAX_ENCODED);
        assertThatThrownBy(() -> LiveMessageCodec.decode(longest)) // Long enough, but no record.
                .isInstanceOf(FormatException.class)
                .isNotInstanceOf(LiveMessageCodec.OversizedException.class);
    }

    private static byte[] record(int length) {
        return ("d1:_6:record1:c" + length + ":" + "\0".repeat(length) + "e").getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void aKindOfANewerVersionIsToldApart() {
        byte[] newer = "d1:_8:tomorrow1:xi1ee".getBytes(StandardCharsets.US_ASCII);
        assertThatThrownBy(() -> LiveMessageCodec.decode(newer))
                .isInstanceOf(LiveMessageCodec.UnknownKindException.class);
    }

    @Test
    void storedIsTheOriginsWordForThatChunkOnly() {
        Samples samples = new Samples(5);
        SigningKey origin = samples.key();
        LiveMessage.Stored stored = LiveMessage.Stored.sign(new ChunkId(1, 77), origin);
        assertThat(stored.verifies(origin.streamKey())).isTrue();
        assertThat(stored.verifies(samples.key().streamKey())).isFalse();
        assertThat(new LiveMessage.Stored(new ChunkId(1, 78), stored.signature()).verifies(origin.streamKey()))
                .isFalse();
    }

    @Test
    void aHelloIsProvenForOneStreamOneEndpointAndOneRole() {
        Samples samples = new Samples(6);
        SigningKey relay = samples.key();
        HelloProof proof = new HelloProof(
                samples.key().streamKey(), samples.bytes(32), samples.bytes(32), Optional.of(samples.endpoint(false)));
        byte[] signature = proof.sign(NodeRole.RELAY, relay);
        assertThat(proof.verifies(relay.relayKey(), NodeRole.RELAY, signature)).isTrue();
        assertThat(proof.verifies(relay.relayKey(), NodeRole.ORIGIN, signature)).isFalse();
        HelloProof elsewhere = new HelloProof(
                proof.stream(), proof.diallerNonce(), proof.acceptorNonce(), Optional.of(samples.endpoint(false)));
        assertThat(elsewhere.verifies(relay.relayKey(), NodeRole.RELAY, signature))
                .isFalse();
        HelloProof swapped =
                new HelloProof(proof.stream(), proof.acceptorNonce(), proof.diallerNonce(), proof.dialled());
        assertThat(swapped.verifies(relay.relayKey(), NodeRole.RELAY, signature))
                .isFalse();
    }

    private static void passes(LiveMessage message) throws FormatException {
        assertThat(LiveMessageCodec.decode(LiveMessageCodec.encode(message))).isEqualTo(message);
    }

    private static void isRefused(String rest) {
        byte[] encoded = ("d1:_" + rest + "e").getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> LiveMessageCodec.decode(encoded)).isInstanceOf(FormatException.class);
    }

    @Test
    void aPutIsTheOriginsRequestAndNobodyElsesAndOfNothingElse() {
        Samples samples = new Samples(6);
        SigningKey origin = samples.key();
        LiveMessage.Put put = LiveMessage.Put.sign(order(samples, "a: b"), origin);
        assertThat(put.verifies(origin.streamKey())).isTrue();
        assertThat(put.verifies(samples.key().streamKey())).isFalse();
        assertThat(new LiveMessage.Put(order(samples, "a: c"), put.signature()).verifies(origin.streamKey()))
                .isFalse();
    }

    @Test
    void aPutHasNoHeaderMoreThanItsMaximumAndNoneThatIsNoHeader() throws Exception {
        Samples samples = new Samples(8);
        String[] longest = new String[LiveMessage.Put.Order.MAX_HEADERS];
        Arrays.fill(longest, "n".repeat(64) + ": " + "v".repeat(440));
        byte[] encoded = LiveMessageCodec.encode(LiveMessage.Put.sign(order(samples, longest), samples.key()));
        assertThat(LiveMessageCodec.encode(LiveMessageCodec.decode(encoded))).isEqualTo(encoded);
        String[] oneMore = Arrays.copyOf(longest, longest.length + 1);
        oneMore[longest.length] = "a: b";
        assertThatThrownBy(() -> order(samples, oneMore)).hasMessageContaining("expected: <= 1536 and 8");
        assertThatThrownBy(() -> order(samples, "n".repeat(64) + ": " + "v".repeat(441)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> order(samples, "a: b\r\nhost: c")).isInstanceOf(IllegalArgumentException.class);
    }

    private static List<LiveMessage> oneOfEach(Samples samples) {
        SigningKey origin = samples.key();
        return List.of(
                new LiveMessage.Hello(
                        samples.bytes(32),
                        samples.key().relayKey(),
                        NodeRole.RELAY,
                        Optional.of(samples.endpoint(true)),
                        Optional.of(samples.endpoint(false))),
                new LiveMessage.Hello(
                        samples.bytes(32),
                        samples.key().relayKey(),
                        NodeRole.LISTENER,
                        Optional.empty(),
                        Optional.empty()),
                new LiveMessage.HelloAnswer(samples.bytes(64)),
                new LiveMessage.HeadNews(samples.head(origin, 5, 6, Samples.NOW, Head.Status.LIVE)),
                new LiveMessage.AboutNews(samples.about(origin)),
                new LiveMessage.RecordNews(samples.record(origin)),
                new LiveMessage.RecordsPlease(3, 100, 200),
                new LiveMessage.Records(List.of(samples.record(origin), samples.record(origin))),
                new LiveMessage.Window(List.of(new LiveMessage.Range(1, 17), new LiveMessage.Range(20, 21))),
                new LiveMessage.Tree(15, true),
                new LiveMessage.Coming(List.of(1L, 2L, 4_000_000_000L)),
                new LiveMessage.Relays(List.of(samples.descriptor(samples.key()))),
                new LiveMessage.Load(1000),
                LiveMessage.Stored.sign(new ChunkId(2, 12345), origin),
                new LiveMessage.KeyEndNews(KeyEnd.rotation(origin, samples.key().streamKey(), Samples.NOW)),
                LiveMessage.Put.sign(order(samples, "x-amz-date: 20261122T060000Z"), origin));
    }

    private static LiveMessage.Put.Order order(Samples samples, String... headers) {
        return new LiveMessage.Put.Order(
                samples.key().relayKey(),
                new ChunkId(1, 77),
                URI.create("https://bucket.example/live/1/77-abc.ts"),
                List.of(headers),
                Samples.NOW);
    }
}
