package live.tributary.origin.fallback;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.Sha256;

/** Signs a put that somebody else makes. */
interface PutSigner {
    /** A put of one object with exactly these bytes: its URL, and the headers that must go with it, each {@code name: value}. */
    record SignedPut(URI url, List<String> headers) {
        public SignedPut {
            headers = List.copyOf(headers);
        }
    }

    /** Empty where no put may be given away: with credentials that come with a token, which would have to go along. */
    Optional<SignedPut> sign(String key, Sha256 content, String contentType, String cacheControl, Instant now)
            throws ObjectStore.StoreException;
}
