package live.tributary.protocol.notify;

import java.util.Locale;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedKind;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * What both sides of {@code /notify} sign, each in its own part.
 *
 * <p>The gateway's key stands in the proof: what an origin signs for one gateway is worth nothing at another, so a gateway cannot
 * push in an origin's name.
 */
public record NotifyProof(StreamKey stream, RelayKey gateway, byte[] originNonce, byte[] gatewayNonce) {
    private enum Part {
        ORIGIN,
        GATEWAY
    }

    public byte[] signByOrigin(SigningKey key) {
        return key.sign(SignedKind.NOTIFY, body(Part.ORIGIN));
    }

    public byte[] signByGateway(SigningKey key) {
        return key.sign(SignedKind.NOTIFY, body(Part.GATEWAY));
    }

    public boolean isByOrigin(byte[] signature) {
        return stream.verifies(SignedKind.NOTIFY, body(Part.ORIGIN), signature);
    }

    public boolean isByGateway(byte[] signature) {
        return gateway.verifies(SignedKind.NOTIFY, body(Part.GATEWAY), signature);
    }

    private byte[] body(Part part) {
        return Bencode.encode(Map.of(
                "k", stream.bytes(),
                "g", gateway.bytes(),
                "n", originNonce,
                "m", gatewayNonce,
                "r", part.name().toLowerCase(Locale.ROOT)));
    }
}
