package live.tributary.protocol.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import live.tributary.protocol.Samples;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.FormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Records, heads, abouts and descriptors: read as written, and never with a bit of another. */
class SignedFormatsTest {
    private interface Signed {
        boolean verifies();
    }

    private interface Reader {
        Signed read(byte[] encoded) throws FormatException;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void areReadAsWritten(long seed) throws Exception {
        Samples samples = new Samples(seed);
        SigningKey key = samples.key();
        ChunkRecord record = samples.record(key);
        assertThat(ChunkRecord.decode(record.encoded())).isEqualTo(record);
        assertThat(ChunkRecord.decode(record.encoded()).body()).isEqualTo(record.body());
        assertThat(record.verifies()).isTrue();
        About about = samples.about(key);
        assertThat(About.decode(about.encoded()).body()).isEqualTo(about.body());
        assertThat(about.verifies()).isTrue();
        SignedHead head = samples.head(key, 7, 8, Samples.NOW, Head.Status.ENDED);
        assertThat(SignedHead.decode(head.encode())).isEqualTo(head);
        assertThat(SignedHead.decode(head.encode()).head()).isEqualTo(head.head());
        assertThat(head.verifies()).isTrue();
        RelayDescriptor descriptor = samples.descriptor(key);
        assertThat(RelayDescriptor.decode(descriptor.encoded()).body()).isEqualTo(descriptor.body());
        assertThat(descriptor.verifies()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {5, 6, 7})
    void aFlippedBitIsRefusedOrBreaksTheSignature(long seed) {
        Samples samples = new Samples(seed);
        SigningKey key = samples.key();
        isProof(samples, samples.record(key).encoded(), e -> ChunkRecord.decode(e)::verifies);
        isProof(samples, samples.about(key).encoded(), e -> About.decode(e)::verifies);
        isProof(samples, samples.descriptor(key).encoded(), e -> RelayDescriptor.decode(e)::verifies);
        isProof(
                samples,
                samples.head(key, 1, 2, Samples.NOW, Head.Status.LIVE).encode(),
                e -> SignedHead.decode(e)::verifies);
    }

    private static void isProof(Samples samples, byte[] encoded, Reader reader) {
        for (int round = 0; round < 100; round++) {
            byte[] flipped = encoded.clone();
            int bit = samples.random().nextInt(flipped.length * 8);
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            try {
                assertThat(reader.read(flipped).verifies()).as("bit %d", bit).isFalse();
            } catch (FormatException expected) {
                assertThat(expected.getMessage()).isNotEmpty();
            }
        }
    }

    @Test
    void unknownKeysAreRefusedWhereASignatureCoversTheRest() throws Exception {
        Samples samples = new Samples(8);
        byte[] record = samples.record(samples.key()).encoded();
        byte[] about = samples.about(samples.key()).encoded();
        byte[] descriptor = samples.descriptor(samples.key()).encoded();
        assertThatThrownBy(() -> ChunkRecord.decode(withUnknownKey(record)))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("unknown keys");
        assertThatThrownBy(() -> About.decode(withUnknownKey(about))).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> RelayDescriptor.decode(withUnknownKey(descriptor)))
                .isInstanceOf(FormatException.class);
    }

    private static byte[] withUnknownKey(byte[] encoded) {
        String text = new String(encoded, StandardCharsets.ISO_8859_1);
        byte[] with = (text.substring(0, text.length() - 1) + "2:zzi1ee").getBytes(StandardCharsets.ISO_8859_1);
        return with;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a\nhttp://x/", "a.example/x?", "a example.org", "a\"b", "", "-a.example", "a..example", "[::1]"
            })
    void aRelayNamesAHostAndNothingElse(String name) throws Exception {
        Samples samples = new Samples(9);
        byte[] good = samples.descriptor(samples.key()).encoded();
        String text = new String(good, StandardCharsets.ISO_8859_1);
        assertThat(text).contains("17:relay.example.net");
        byte[] bad =
                text.replace("17:relay.example.net", name.length() + ":" + name).getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> RelayDescriptor.decode(bad))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("expected: a DNS name");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file:///etc/passwd",
                "javascript:alert(1)",
                "data:text/plain,x",
                "/relative",
                "https:///none",
                "https://user@host/",
                "https://host/?a",
                "https://host/#a"
            })
    void aFallbackIsAnAddressOnTheWeb(String url) {
        Head good = new Samples(10)
                .head(new Samples(10).key(), 1, 1, Instant.EPOCH, Head.Status.LIVE)
                .head();
        assertThatThrownBy(() -> new Head(
                        good.seq(),
                        good.expires(),
                        good.status(),
                        good.term(),
                        good.window(),
                        Optional.of(URI.create(url)),
                        good.entryPoints(),
                        good.about()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected: a base URL");
    }

    @Test
    void oneByteMoreThanTheMaximumIsRefusedUnread() {
        refusesLength(ChunkRecord.MAX_ENCODED, ChunkRecord::decode);
        refusesLength(About.MAX_ENCODED, About::decode);
        refusesLength(RelayDescriptor.MAX_ENCODED, RelayDescriptor::decode);
        refusesLength(SignedHead.MAX_ENCODED, SignedHead::decode);
        refusesLength(Head.MAX_ENCODED, Head::decode);
    }

    private interface Decoder {
        Object decode(byte[] encoded) throws FormatException;
    }

    private static void refusesLength(int max, Decoder decoder) {
        assertThatThrownBy(() -> decoder.decode(new byte[max + 1]))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("length: " + (max + 1));
        assertThatThrownBy(() -> decoder.decode(new byte[max]))
                .isInstanceOf(FormatException.class)
                .hasMessageNotContaining("length: ");
    }

    @Test
    void theLongestChunkFitsIntoARecordAndNoByteMore() {
        Samples samples = new Samples(9);
        SigningKey key = samples.key();
        ChunkRecord longest = Samples.record(
                key,
                1,
                new ChunkId(63, Long.MAX_VALUE / 100),
                Optional.of(samples.record(key)),
                Samples.NOW,
                Duration.ofHours(1),
                ChunkRecord.MAX_DURATION,
                1,
                ChunkRecord.PIECE_LIMIT - ChunkRecord.pieceCount(ChunkRecord.MAX_CHUNK),
                new byte[ChunkRecord.MAX_CHUNK]);
        assertThat(longest.encodedLength()).isLessThanOrEqualTo(ChunkRecord.MAX_ENCODED);
        assertThatThrownBy(() -> Samples.record(
                        key,
                        1,
                        new ChunkId(0, 1),
                        Optional.empty(),
                        Samples.NOW,
                        Duration.ZERO,
                        Duration.ofSeconds(1),
                        0,
                        0,
                        new byte[ChunkRecord.MAX_CHUNK + 1]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("length: 33554433");
    }

    @Test
    void noSignatureServesAsAnother() {
        SigningKey key = new Samples(10).key();
        byte[] body = {1, 2, 3};
        byte[] signature = key.sign(SignedKind.RECORD, body);
        for (SignedKind kind : SignedKind.values()) {
            assertThat(key.relayKey().verifies(kind, body, signature)).isEqualTo(kind == SignedKind.RECORD);
        }
    }

    @Test
    void aHeadIsSupersededByTermThenBySeq() {
        Samples samples = new Samples(11);
        SigningKey key = samples.key();
        SignedHead old = samples.head(key, 1, 9, Samples.NOW, Head.Status.LIVE);
        SignedHead newer = samples.head(key, 2, 3, Samples.NOW, Head.Status.LIVE);
        assertThat(newer.supersedes(old)).isTrue();
        assertThat(old.supersedes(newer)).isFalse();
        assertThat(old.supersedes(old)).isFalse();
    }

    @Test
    void aHeadIsSignedAsBep44Has() {
        Samples samples = new Samples(12);
        SigningKey key = samples.key();
        SignedHead head = samples.head(key, 1, 42, Samples.NOW, Head.Status.LIVE);
        byte[] prefix = "4:salt11:tributary/13:seqi42e1:v".getBytes(StandardCharsets.US_ASCII);
        byte[] message = Arrays.copyOf(prefix, prefix.length + head.value().length);
        System.arraycopy(head.value(), 0, message, prefix.length, head.value().length);
        assertThat(key.streamKey().verifies(message, head.signature())).isTrue();
    }

    @Test
    void bep44sOwnVectorsVerify() {
        StreamKey key = StreamKey.of(hex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548"));
        assertThat(key.verifies(
                        "3:seqi1e1:v12:Hello World!".getBytes(StandardCharsets.US_ASCII),
                        hex("305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
                                + "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01")))
                .isTrue();
        assertThat(key.verifies(
                        "4:salt6:foobar3:seqi1e1:v12:Hello World!".getBytes(StandardCharsets.US_ASCII),
                        hex("6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
                                + "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08")))
                .isTrue();
    }

    @Test
    void rfc8032sFirstVector() {
        SigningKey key = SigningKey.fromSeed(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
        assertThat(key.streamKey().hex()).isEqualTo("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assertThat(HexFormat.of().formatHex(key.sign(new byte[0])))
                .isEqualTo("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    }

    @Test
    void rfc4648sBase32Vectors() {
        String[] plain = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
        String[] text = {"", "my", "mzxq", "mzxw6", "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"};
        for (int i = 0; i < plain.length; i++) {
            assertThat(Base32.encode(plain[i].getBytes(StandardCharsets.US_ASCII)))
                    .isEqualTo(text[i]);
            assertThat(new String(Base32.decode(text[i]), StandardCharsets.US_ASCII))
                    .isEqualTo(plain[i]);
        }
        assertThatThrownBy(() -> Base32.decode("mz1")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aStreamIsNamedByBase32HexOrItsUri() {
        StreamKey key = new Samples(13).key().streamKey();
        assertThat(StreamKey.fromText(key.text())).isEqualTo(key);
        assertThat(StreamKey.fromText(key.hex())).isEqualTo(key);
        assertThat(StreamKey.fromText(StreamKey.URI_PREFIX + key.text())).isEqualTo(key);
        assertThatThrownBy(() -> StreamKey.fromText(key.text() + "a")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void encodingIsCanonical() throws Exception {
        Samples samples = new Samples(14);
        byte[] record = samples.record(samples.key()).encoded();
        assertThat(Bencode.decode(record, ChunkRecord.MAX_ENCODED).encode()).isEqualTo(record);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
