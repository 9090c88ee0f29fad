package live.tributary.mesh.swarm;

import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The newest head, the about that it pins, and the origin's word on what the bucket has; each goes on to every other link once.
 *
 * <p>A head counts if it is newer than any seen before, by (term, seq), expired ones included: an old one cannot come back.
 */
final class News {
    /** The most chunks in the bucket that are remembered as told. */
    private static final int MAX_STORED = 8192;
    /** The most heads, and the most bucket notices, that may be with the pool. */
    private static final int MAX_CHECKING = 64;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final InstantSource wallClock;
    private final Collection<Neighbour> neighbours;
    private final LastWord lastWord;
    private final Map<SignedHead, Neighbour> headsChecking = new HashMap<>();
    private final Map<About, Neighbour> aboutsChecking = new HashMap<>();
    private final Map<LiveMessage.Stored, Neighbour> storedChecking = new HashMap<>();
    private final Map<ChunkId, LiveMessage.Stored> stored = new LinkedHashMap<>();

    private @Nullable SignedHead head;
    private @Nullable About about;
    /** This node's own about before it has the head that pins it. */
    private @Nullable About ownEarly;
    /** The last about of each neighbour that no head pins yet: nobody's takes the place of another's. */
    private final Map<Neighbour, About> early = new LinkedHashMap<>();

    News(
            SwarmConfig config,
            SwarmActions actions,
            InstantSource wallClock,
            Collection<Neighbour> neighbours,
            LastWord lastWord) {
        this.config = config;
        this.actions = actions;
        this.wallClock = wallClock;
        this.neighbours = neighbours;
        this.lastWord = lastWord;
    }

    /** Whether records count as live: there is an unexpired head. */
    boolean live() {
        return head != null && !head.head().expired(wallClock.instant());
    }

    boolean headIsBeingChecked() {
        return !headsChecking.isEmpty();
    }

    long highestTerm() {
        return head == null ? 0 : head.head().term();
    }

    void greet(Neighbour neighbour) {
        if (head != null && live()) {
            actions.send(neighbour.link, new LiveMessage.HeadNews(head));
            if (about != null) {
                actions.send(neighbour.link, new LiveMessage.AboutNews(about));
            }
        }
    }

    void heard(Neighbour from, SignedHead heard) {
        if (!heard.stream().equals(config.stream())) {
            actions.count(RecordResult.WRONG_STREAM);
            return;
        }
        if (head != null && !heard.supersedes(head)) {
            if (heard.head().term() < head.head().term()) {
                actions.count(RecordResult.STALE_TERM);
            }
            return;
        }
        if (lastWord.isSpoken()) {
            actions.count(RecordResult.REVOKED);
            return;
        }
        Instant now = wallClock.instant();
        if (heard.head().expired(now)
                || heard.head().expires().isAfter(now.plus(Head.MAX_LIFETIME).plus(RecordGate.MAX_FUTURE))) {
            actions.count(RecordResult.NOT_LIVE);
            return;
        }
        if (headsChecking.size() < MAX_CHECKING
                && headsChecking.keySet().stream().noneMatch(other -> !heard.supersedes(other))) {
            headsChecking.put(heard, from);
            actions.checkHead(heard);
        }
    }

    void checked(SignedHead heard, boolean genuine) {
        Neighbour from = headsChecking.remove(heard);
        if (from == null) {
            return;
        }
        if (!genuine) {
            actions.count(RecordResult.BAD_SIGNATURE);
            actions.drop(from.link, SwarmActions.DropReason.BAD_SIGNATURE);
        } else {
            adopt(heard, from);
        }
    }

    void learnt(SignedHead learnt) {
        adopt(learnt, null);
    }

    private void adopt(SignedHead genuine, @Nullable Neighbour from) {
        if (lastWord.isSpoken() || head != null && !genuine.supersedes(head)) {
            return;
        }
        head = genuine;
        actions.headChanged(genuine);
        tellOthers(new LiveMessage.HeadNews(genuine), from);
        About own = ownEarly;
        if (own != null && isPinned(own)) {
            ownEarly = null;
            adopt(own, null);
        }
        for (Map.Entry<Neighbour, About> waiting : List.copyOf(early.entrySet())) {
            if (isPinned(waiting.getValue())) {
                early.remove(waiting.getKey());
                heard(waiting.getKey(), waiting.getValue());
            }
        }
    }

    private boolean isPinned(About candidate) {
        return head != null && head.head().about().equals(candidate.hash());
    }

    void heard(Neighbour from, About heard) {
        if (!heard.body().stream().equals(config.stream())) {
            actions.count(RecordResult.WRONG_STREAM);
            return;
        }
        if (about != null && about.hash().equals(heard.hash())) {
            return;
        }
        if (!isPinned(heard)) {
            early.put(from, heard);
            return;
        }
        if (aboutsChecking.isEmpty()) {
            aboutsChecking.put(heard, from);
            actions.checkAbout(heard);
        }
    }

    void checked(About heard, boolean genuine) {
        Neighbour from = aboutsChecking.remove(heard);
        if (from == null) {
            return;
        }
        if (!genuine) {
            actions.drop(from.link, SwarmActions.DropReason.BAD_SIGNATURE);
        } else if (isPinned(heard)) {
            adopt(heard, from);
        }
    }

    void learnt(About learnt) {
        if (isPinned(learnt)) {
            adopt(learnt, null);
        } else {
            ownEarly = learnt;
        }
    }

    private void adopt(About genuine, @Nullable Neighbour from) {
        if (about != null && about.hash().equals(genuine.hash())) {
            return;
        }
        about = genuine;
        actions.aboutChanged(genuine);
        tellOthers(new LiveMessage.AboutNews(genuine), from);
    }

    void heard(Neighbour from, LiveMessage.Stored heard) {
        if (!stored.containsKey(heard.chunk()) && storedChecking.size() < MAX_CHECKING) {
            storedChecking.put(heard, from);
            actions.checkStored(heard);
        }
    }

    void checked(LiveMessage.Stored heard, boolean genuine) {
        Neighbour from = storedChecking.remove(heard);
        if (from == null) {
            return;
        }
        if (!genuine) {
            actions.drop(from.link, SwarmActions.DropReason.BAD_SIGNATURE);
        } else {
            adopt(heard, from);
        }
    }

    void learnt(LiveMessage.Stored learnt) {
        adopt(learnt, null);
    }

    private void adopt(LiveMessage.Stored genuine, @Nullable Neighbour from) {
        if (stored.putIfAbsent(genuine.chunk(), genuine) != null) {
            return;
        }
        if (stored.size() > MAX_STORED) {
            Iterator<ChunkId> oldest = stored.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        actions.storedInBucket(genuine.chunk());
        tellOthers(genuine, from);
    }

    void linkDown(Neighbour neighbour) {
        early.remove(neighbour);
        headsChecking.values().removeIf(from -> from == neighbour);
        aboutsChecking.values().removeIf(from -> from == neighbour);
        storedChecking.values().removeIf(from -> from == neighbour);
    }

    private void tellOthers(LiveMessage message, @Nullable Neighbour except) {
        for (Neighbour neighbour : neighbours) {
            if (neighbour != except) {
                actions.send(neighbour.link, message);
            }
        }
    }
}
