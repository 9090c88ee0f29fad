package live.tributary.protocol.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.Samples;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.LiveMessageCodec;
import org.junit.jupiter.api.Test;

class NotifyCodecTest {
    private final Samples samples = new Samples(31);
    private final SigningKey stream = samples.key();
    private final SigningKey gateway = samples.key();
    private final byte[] originNonce = samples.bytes(NotifyMessage.NONCE_LENGTH);
    private final byte[] gatewayNonce = samples.bytes(NotifyMessage.NONCE_LENGTH);
    private final NotifyProof proof =
            new NotifyProof(stream.streamKey(), gateway.relayKey(), originNonce, gatewayNonce);

    private List<NotifyMessage> oneOfEach() {
        ChunkRecord record = samples.record(stream);
        return List.of(
                new NotifyMessage.Open(stream.streamKey(), originNonce),
                new NotifyMessage.Challenge(gateway.relayKey(), gatewayNonce, proof.signByGateway(gateway)),
                new NotifyMessage.Proof(proof.signByOrigin(stream)),
                new NotifyMessage.Have(List.of(new NotifyMessage.Place(record.chunk(), record.hash()))),
                new NotifyMessage.Refused("not listed here"),
                new NotifyMessage.News(new LiveMessage.RecordNews(record)));
    }

    @Test
    void readsWhatItWrote() throws Exception {
        for (NotifyMessage message : oneOfEach()) {
            byte[] encoded = NotifyCodec.encode(message);
            NotifyMessage read = NotifyCodec.decode(encoded);
            assertThat(read).hasSameClassAs(message);
            assertThat(NotifyCodec.encode(read)).isEqualTo(encoded);
        }
        assertThat(oneOfEach()).hasSize(NotifyMessage.class.getPermittedSubclasses().length);
    }

    @Test
    void everyCutAndEveryByteMoreIsRefused() {
        for (NotifyMessage message : oneOfEach()) {
            byte[] encoded = NotifyCodec.encode(message);
            for (int length = 0; length < encoded.length; length++) {
                byte[] cut = Arrays.copyOf(encoded, length);
                assertThatThrownBy(() -> NotifyCodec.decode(cut)).isInstanceOf(FormatException.class);
            }
            byte[] longer = Arrays.copyOf(encoded, encoded.length + 1);
            assertThatThrownBy(() -> NotifyCodec.decode(longer)).isInstanceOf(FormatException.class);
        }
    }

    @Test
    void whatIsOnlyForLinksIsNoNews() {
        byte[] load = LiveMessageCodec.encode(new LiveMessage.Load(1));

        assertThatThrownBy(() -> NotifyCodec.decode(load))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("expected: what an origin tells");
    }

    @Test
    void allRenditionsFitAndOneMoreDoesNot() throws Exception {
        List<NotifyMessage.Place> places = new ArrayList<>();
        for (int rendition = 0; rendition <= ChunkId.MAX_RENDITION; rendition++) {
            places.add(new NotifyMessage.Place(
                    new ChunkId(rendition, 999_999_999_999_999_999L), Sha256.ofContent(new byte[] {(byte) rendition})));
        }
        byte[] all = NotifyCodec.encode(new NotifyMessage.Have(places));
        assertThat(((NotifyMessage.Have) NotifyCodec.decode(all)).places()).isEqualTo(places);

        places.add(places.get(0));
        byte[] more = NotifyCodec.encode(new NotifyMessage.Have(places));
        assertThatThrownBy(() -> NotifyCodec.decode(more)).isInstanceOf(FormatException.class);
    }

    @Test
    void aReasonOf200BytesIsReadAndOneMoreIsNot() throws Exception {
        assertThat(NotifyCodec.decode(NotifyCodec.encode(new NotifyMessage.Refused("x".repeat(200)))))
                .isInstanceOf(NotifyMessage.Refused.class);
        byte[] longer = NotifyCodec.encode(new NotifyMessage.Refused("x".repeat(201)));
        assertThatThrownBy(() -> NotifyCodec.decode(longer)).isInstanceOf(FormatException.class);
    }

    @Test
    void aHandshakeOfOneByteMoreThanAnyIsRefused() {
        String around = "d1:_4:open1:k0:1:n0:1:x8000:e";
        byte[] longer = Bencode.encode(Map.of(
                "_", "open", "k", "", "n", "", "x", "x".repeat(NotifyCodec.MAX_HANDSHAKE + 1 - around.length())));

        assertThat(longer).hasSize(NotifyCodec.MAX_HANDSHAKE + 1);
        assertThatThrownBy(() -> NotifyCodec.decode(longer)).hasMessageContaining("8192");
    }

    @Test
    void noProofServesInAnotherPlace() {
        SigningKey other = samples.key();
        byte[] byOrigin = proof.signByOrigin(stream);
        byte[] byGateway = proof.signByGateway(gateway);

        assertThat(proof.isByOrigin(byOrigin)).isTrue();
        assertThat(proof.isByGateway(byGateway)).isTrue();
        assertThat(proof.isByOrigin(byGateway)).isFalse();
        assertThat(proof.isByGateway(byOrigin)).isFalse();
        assertThat(new NotifyProof(stream.streamKey(), other.relayKey(), originNonce, gatewayNonce)
                        .isByOrigin(byOrigin))
                .as("passed on to another gateway")
                .isFalse();
        assertThat(new NotifyProof(stream.streamKey(), gateway.relayKey(), originNonce, samples.bytes(32))
                        .isByOrigin(byOrigin))
                .as("replayed to the gateway's next nonce")
                .isFalse();
    }
}
