package live.tributary.mesh.rendezvous;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntConsumer;
import lbms.plugins.mldht.kad.messages.MessageBase;

/** One write to each node that gave a token, and the count of those that accepted it; not held up by the silent ones. */
final class Round {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final DhtNode node;
    private final List<Lookup.Responder> responders;
    private final Function<byte[], MessageBase> request;
    private final IntConsumer done;
    private int open;
    private int accepted;
    private boolean ended;

    /** @param done hears how many accepted, once */
    Round(DhtNode node, List<Lookup.Responder> responders, Function<byte[], MessageBase> request, IntConsumer done) {
        this.node = node;
        this.responders = responders.stream().filter(r -> r.token().isPresent()).toList();
        this.request = request;
        this.done = done;
    }

    void start() {
        open = responders.size();
        for (Lookup.Responder responder : responders) {
            MessageBase message = request.apply(responder.token().orElseThrow());
            node.query(
                    message,
                    responder.address(),
                    answer -> {
                        accepted++;
                        settle();
                    },
                    this::settle);
        }
        if (open == 0) {
            end();
        } else {
            node.after(PATIENCE, this::end);
        }
    }

    private void settle() {
        open--;
        if (open == 0) {
            end();
        }
    }

    private void end() {
        if (!ended) {
            ended = true;
            done.accept(accepted);
        }
    }
}
