package live.tributary.protocol.notify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.PublicKey;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessageCodec;

/** The bytes of {@link NotifyMessage}: dictionaries like those of {@code tb_live}, whose kinds news have. */
public final class NotifyCodec {
    /** The longest message but news, bytes. */
    public static final int MAX_HANDSHAKE = 8 * 1024;

    private static final String KIND = "_";
    private static final String OPEN = "open";
    private static final String CHALLENGE = "challenge";
    private static final String PROOF = "proof";
    private static final String HAVE = "have";
    private static final String REFUSED = "refused";

    private NotifyCodec() {}

    public static byte[] encode(NotifyMessage message) {
        if (message instanceof NotifyMessage.News news) {
            return LiveMessageCodec.encode(news.message());
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        if (message instanceof NotifyMessage.Open open) {
            fields.put(KIND, OPEN);
            fields.put("k", open.stream().bytes());
            fields.put("n", open.nonce());
        } else if (message instanceof NotifyMessage.Challenge challenge) {
            fields.put(KIND, CHALLENGE);
            fields.put("k", challenge.gateway().bytes());
            fields.put("n", challenge.nonce());
            fields.put("sig", challenge.signature());
        } else if (message instanceof NotifyMessage.Proof proof) {
            fields.put(KIND, PROOF);
            fields.put("sig", proof.signature());
        } else if (message instanceof NotifyMessage.Have have) {
            fields.put(KIND, HAVE);
            fields.put(
                    "p",
                    have.places().stream()
                            .map(place -> Map.of(
                                    "r", place.chunk().rendition(),
                                    "s", place.chunk().seq(),
                                    "h", place.hash().bytes()))
                            .toList());
        } else if (message instanceof NotifyMessage.Refused refused) {
            fields.put(KIND, REFUSED);
            fields.put("w", refused.reason());
        }
        return Bencode.encode(fields);
    }

    /**
     * Reads one message; signatures are not looked at.
     *
     * @throws FormatException if it is none, or longer than its kind may be
     */
    public static NotifyMessage decode(byte[] encoded) throws FormatException {
        String kind = LiveMessageCodec.kind(encoded);
        try {
            return switch (kind) {
                case OPEN, CHALLENGE, PROOF, HAVE, REFUSED -> handshake(kind, Bencode.decode(encoded, MAX_HANDSHAKE));
                default -> new NotifyMessage.News(LiveMessageCodec.decode(encoded));
            };
        } catch (IllegalArgumentException e) {
            throw new FormatException(e);
        }
    }

    private static NotifyMessage handshake(String kind, BencodeDictionary d) throws FormatException {
        return switch (kind) {
            case OPEN ->
                new NotifyMessage.Open(
                        StreamKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                        d.exactBytes("n", NotifyMessage.NONCE_LENGTH));
            case CHALLENGE ->
                new NotifyMessage.Challenge(
                        RelayKey.of(d.exactBytes("k", PublicKey.LENGTH)),
                        d.exactBytes("n", NotifyMessage.NONCE_LENGTH),
                        d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            case PROOF -> new NotifyMessage.Proof(d.exactBytes("sig", SigningKey.SIGNATURE_LENGTH));
            case HAVE -> have(d);
            default -> new NotifyMessage.Refused(d.text("w", NotifyMessage.MAX_REASON));
        };
    }

    private static NotifyMessage.Have have(BencodeDictionary d) throws FormatException {
        List<NotifyMessage.Place> places = new ArrayList<>();
        for (BencodeDictionary place : d.dictionaries("p", NotifyMessage.MAX_PLACES)) {
            places.add(new NotifyMessage.Place(
                    new ChunkId(
                            (int) place.integer("r", 0, ChunkId.MAX_RENDITION), place.integer("s", 0, Long.MAX_VALUE)),
                    Sha256.of(place.exactBytes("h", Sha256.LENGTH))));
        }
        return new NotifyMessage.Have(places);
    }
}
