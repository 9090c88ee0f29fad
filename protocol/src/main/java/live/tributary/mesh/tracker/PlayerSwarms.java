package live.tributary.mesh.tracker;

import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.hls.WebSwarmIds;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Rendition;

/**
 * The infohashes under which the players of one stream meet, from its signed head, about and records.
 *
 * <p>Players keep the term with which they began, so the last few terms count. Callable from any thread.
 */
final class PlayerSwarms {
    /** Terms remembered, the newest; an origin that restarts oftener loses a page's swarm until the page is loaded again. */
    private static final int MAX_TERMS = 4;

    private static final long LOOK_EVERY = TimeUnit.SECONDS.toNanos(1);

    private final Set<Long> terms = new LinkedHashSet<>();
    private volatile Set<InfoHash> known = Set.of();
    private long lookAt;

    PlayerSwarms(long now) {
        this.lookAt = now;
    }

    boolean has(InfoHash infoHash, StreamView stream, long now) {
        return known.contains(infoHash) || look(stream, now) && known.contains(infoHash);
    }

    /** Whether it had another look; a stranger who asks for nonsense makes it look once a second at most. */
    private synchronized boolean look(StreamView stream, long now) {
        if (now - lookAt < 0) {
            return false;
        }
        lookAt = now + LOOK_EVERY;
        stream.head().map(head -> head.head().term()).ifPresent(this::remember);
        Set<Integer> numbers = new TreeSet<>(stream.renditions());
        Set<InfoHash> found = new HashSet<>();
        stream.about().map(about -> about.body().renditions()).ifPresent(renditions -> {
            renditions.stream().map(Rendition::number).forEach(numbers::add);
            terms.forEach(term -> found.addAll(WebSwarmIds.masterPlaylist(stream.key(), term, renditions)));
        });
        terms.forEach(
                term -> numbers.forEach(number -> found.add(WebSwarmIds.mediaPlaylist(stream.key(), term, number))));
        known = Collections.unmodifiableSet(found);
        return true;
    }

    private void remember(long term) {
        if (terms.add(term) && terms.size() > MAX_TERMS) {
            Iterator<Long> oldest = terms.iterator();
            oldest.next();
            oldest.remove();
        }
    }
}
