package live.tributary.protocol.notify;

import java.util.List;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;

/**
 * A message of {@code /notify}.
 *
 * <p>The origin opens; the gateway answers with its proof and a nonce of its own, or refuses; the origin proves itself; the gateway
 * says what it has; from then on the origin sends news. Each side speaks to the other only once it has proven its key.
 */
public sealed interface NotifyMessage {
    int NONCE_LENGTH = 32;
    /** The most renditions in {@link Have}. */
    int MAX_PLACES = ChunkId.MAX_RENDITION + 1;

    /** The most bytes of a refusal's reason. */
    int MAX_REASON = 200;

    /** The origin wants to push a stream. */
    record Open(StreamKey stream, byte[] nonce) implements NotifyMessage {}

    /** The gateway's key, its nonce, and its signature of {@link NotifyProof}. */
    record Challenge(RelayKey gateway, byte[] nonce, byte[] signature) implements NotifyMessage {}

    /** The signature of {@link NotifyProof} by the stream's key. */
    record Proof(byte[] signature) implements NotifyMessage {}

    /** The newest record that the gateway has of each rendition. */
    record Have(List<Place> places) implements NotifyMessage {
        public Have {
            places = List.copyOf(places);
        }
    }

    /**
     * A rendition's newest record.
     *
     * @param hash of the whole record, so that a fork is seen
     */
    record Place(ChunkId chunk, Sha256 hash) {}

    /** The gateway does not take this stream, or no more of it; it closes behind this. */
    record Refused(String reason) implements NotifyMessage {}

    /** A head, an about, a record, a word on the bucket, relays, or the key's end: as on links. */
    record News(LiveMessage message) implements NotifyMessage {
        public News {
            if (!isNews(message)) {
                throw new IllegalArgumentException(
                        "news: " + message.getClass().getSimpleName() + " (expected: what an origin tells)");
            }
        }

        private static boolean isNews(LiveMessage message) {
            return message instanceof LiveMessage.HeadNews
                    || message instanceof LiveMessage.AboutNews
                    || message instanceof LiveMessage.RecordNews
                    || message instanceof LiveMessage.Stored
                    || message instanceof LiveMessage.Relays
                    || message instanceof LiveMessage.KeyEndNews;
        }
    }
}
