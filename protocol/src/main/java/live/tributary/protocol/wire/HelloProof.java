package live.tributary.protocol.wire;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedKind;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;

/**
 * What both sides of a link sign in their {@link LiveMessage.HelloAnswer}, each with its own role.
 *
 * <p>The endpoint as dialled stands in the proof, so that nobody between the two can pass the challenge on: a node signs only an
 * endpoint that is its own.
 *
 * @param diallerNonce the nonce of the side that opened the connection
 * @param acceptorNonce the nonce of the side that was dialled
 * @param dialled where the dialler reached the acceptor
 */
public record HelloProof(StreamKey stream, byte[] diallerNonce, byte[] acceptorNonce, Optional<Endpoint> dialled) {
    public byte[] sign(NodeRole signer, SigningKey key) {
        return key.sign(SignedKind.HELLO, body(signer));
    }

    public boolean verifies(RelayKey signer, NodeRole role, byte[] signature) {
        return signer.verifies(SignedKind.HELLO, body(role), signature);
    }

    private byte[] body(NodeRole signer) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("n", diallerNonce);
        fields.put("m", acceptorNonce);
        fields.put("k", stream.bytes());
        fields.put("r", LiveMessageCodec.roleText(signer));
        dialled.ifPresent(endpoint -> fields.put("d", endpoint.compact()));
        return Bencode.encode(fields);
    }
}
