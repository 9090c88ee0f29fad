package live.tributary.origin.publish;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Sha256;

/**
 * Decides when a new head is due: at once when the stream begins or ends, at most once a minute for anything else, and well
 * before the old one expires. Without I/O; {@code now} is monotonic, in nanoseconds.
 */
final class HeadKeeper {
    static final Duration LIFETIME = Head.MAX_LIFETIME;
    /** How long the last head of a run counts that stopped while its feed went on. */
    static final Duration RESTART = Duration.ofSeconds(90);

    static final Duration RENEWAL = Duration.ofMinutes(4);
    static final Duration SHORTEST_INTERVAL = Duration.ofMinutes(1);

    private Optional<Content> told = Optional.empty();
    private long toldAt;

    /** What a head says, but for its seq and expiry. */
    record Content(
            Head.Status status,
            Sha256 about,
            Optional<InfoHash> window,
            Optional<URI> fallback,
            List<Endpoint> entryPoints) {
        Content {
            entryPoints = List.copyOf(entryPoints);
        }

        boolean agrees(Content other) {
            return status == other.status && about.equals(other.about) && fallback.equals(other.fallback);
        }
    }

    /** Whether a head with this content is to be signed now. */
    boolean due(Content content, long now) {
        return told.map(last -> isDue(last, content, now)).orElse(content.status() == Head.Status.LIVE);
    }

    /** A head with this content is out. */
    void told(Content content, long now) {
        told = Optional.of(content);
        toldAt = now;
    }

    private boolean isDue(Content last, Content content, long now) {
        Duration age = Duration.ofNanos(now - toldAt);
        if (content.status() != last.status()) {
            return true;
        }
        if (content.status() == Head.Status.ENDED) {
            return false;
        }
        // The about changes with the title, seldom: a viewer who got it with an old head would refuse it.
        return !content.agrees(last)
                || (!content.equals(last) && age.compareTo(SHORTEST_INTERVAL) >= 0)
                || age.compareTo(RENEWAL) >= 0;
    }
}
