package live.tributary.mesh.swarm;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The end of the stream's key, once its key has said so: nothing newer of it counts from then on.
 *
 * <p>It goes on to every other link once and greets every new one, so that whoever comes later hears it too.
 */
final class LastWord {
    /** The most statements that may be with the pool. */
    private static final int MAX_CHECKING = 4;

    private final SwarmConfig config;
    private final SwarmActions actions;
    private final Collection<Neighbour> neighbours;
    private final Map<KeyEnd, Neighbour> checking = new HashMap<>();
    private @Nullable KeyEnd end;

    LastWord(SwarmConfig config, SwarmActions actions, Collection<Neighbour> neighbours) {
        this.config = config;
        this.actions = actions;
        this.neighbours = neighbours;
    }

    boolean isSpoken() {
        return end != null;
    }

    void greet(Neighbour neighbour) {
        if (end != null) {
            actions.send(neighbour.link, new LiveMessage.KeyEndNews(end));
        }
    }

    void heard(Neighbour from, KeyEnd heard) {
        if (!heard.stream().equals(config.stream())) {
            actions.count(RecordResult.WRONG_STREAM);
        } else if (isNews(heard) && checking.size() < MAX_CHECKING && !checking.containsKey(heard)) {
            checking.put(heard, from);
            actions.checkKeyEnd(heard);
        }
    }

    void checked(KeyEnd heard, boolean genuine) {
        Neighbour from = checking.remove(heard);
        if (from == null) {
            return;
        }
        if (genuine) {
            adopt(heard, from);
        } else {
            actions.drop(from.link, SwarmActions.DropReason.BAD_SIGNATURE);
        }
    }

    void learnt(KeyEnd learnt) {
        if (learnt.stream().equals(config.stream())) {
            adopt(learnt, null);
        }
    }

    void linkDown(Neighbour neighbour) {
        checking.values().removeIf(from -> from == neighbour);
    }

    private boolean isNews(KeyEnd heard) {
        return end == null || heard.overrides(end);
    }

    private void adopt(KeyEnd genuine, @Nullable Neighbour from) {
        if (!isNews(genuine)) {
            return;
        }
        end = genuine;
        actions.keyEnded(genuine);
        for (Neighbour neighbour : neighbours) {
            if (neighbour != from) {
                actions.send(neighbour.link, new LiveMessage.KeyEndNews(genuine));
            }
        }
    }
}
