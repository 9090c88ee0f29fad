package live.tributary.mesh.rendezvous;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import lbms.plugins.mldht.kad.KBucketEntry;
import lbms.plugins.mldht.kad.Key;
import lbms.plugins.mldht.kad.NodeList;
import lbms.plugins.mldht.kad.messages.AbstractLookupRequest;
import lbms.plugins.mldht.kad.messages.AbstractLookupResponse;

/**
 * One iterative lookup (BEP 5) towards a target.
 *
 * <p>bt-dht's own tasks end only when the last straggler's ten seconds are over. This one does not wait for a node that took
 * longer than {@link #PATIENCE}: it is done when each of the closest candidates has answered, failed or been slow. A late answer
 * still counts while the lookup lasts. Runs on the DHT's thread alone.
 */
final class Lookup {
    /** How long an answer holds the lookup up. */
    static final Duration PATIENCE = Duration.ofMillis(800);

    static final Duration DEADLINE = Duration.ofSeconds(6);

    private static final int CONCURRENT = 8;
    private static final int CLOSEST = 8;
    /** A private DHT is small: whoever is known is asked. */
    private static final int CLOSEST_PRIVATE = 32;

    private static final int MAX_ASKED = 80;

    private final DhtNode node;
    private final Key target;
    private final Supplier<AbstractLookupRequest> request;
    private final Progress progress;
    private final int closest;
    private final NavigableMap<Key, Candidate> candidates;
    private final Deque<InetSocketAddress> withoutId = new ArrayDeque<>();
    private final Set<InetSocketAddress> known = new HashSet<>();
    private final Set<InetAddress> hosts = new HashSet<>();
    private int waiting;
    private int asked;
    private boolean done;

    /** Hears how a lookup goes. */
    interface Progress {
        default void answered(InetSocketAddress from, AbstractLookupResponse response) {}

        /** Called once; those that answered, the closest first. */
        void done(List<Responder> responders);
    }

    /** A node that answered, and the token it gave for writing to it, if any. */
    record Responder(InetSocketAddress address, Key id, Optional<byte[]> token) {}

    private enum State {
        NEW,
        ASKED,
        SLOW,
        ANSWERED,
        FAILED
    }

    private static final class Candidate {
        private final InetSocketAddress address;
        private final Key id;
        private State state = State.NEW;
        private Optional<byte[]> token = Optional.empty();

        Candidate(InetSocketAddress address, Key id) {
            this.address = address;
            this.id = id;
        }
    }

    private Lookup(DhtNode node, Key target, Supplier<AbstractLookupRequest> request, Progress progress) {
        this.node = node;
        this.target = target;
        this.request = request;
        this.progress = progress;
        this.closest = node.isPrivate() ? CLOSEST_PRIVATE : CLOSEST;
        this.candidates = new TreeMap<>(Comparator.comparing(id -> target.distance(id)));
    }

    static void start(DhtNode node, Key target, Supplier<AbstractLookupRequest> request, Progress progress) {
        Lookup lookup = new Lookup(node, target, request, progress);
        node.closest(target, CLOSEST * 2).forEach(entry -> lookup.add(entry.getAddress(), entry.getID()));
        node.entrances(lookup.candidates.size()).forEach(lookup::add);
        node.after(DEADLINE, lookup::finish);
        lookup.step();
    }

    private void add(InetSocketAddress address) {
        if (acceptable(address)) {
            withoutId.add(address);
        }
    }

    private void add(InetSocketAddress address, Key id) {
        if (!node.isSelf(id) && !candidates.containsKey(id) && acceptable(address)) {
            candidates.put(id, new Candidate(address, id));
        }
    }

    /** One candidate of each host, unless the DHT is private: many of one host would crowd the others out. */
    private boolean acceptable(InetSocketAddress address) {
        return node.accepts(address)
                && known.size() < MAX_ASKED * 4
                && known.add(address)
                && (node.isPrivate() || hosts.add(address.getAddress()));
    }

    private void step() {
        if (done) {
            return;
        }
        while (waiting < CONCURRENT && asked < MAX_ASKED) {
            InetSocketAddress stranger = withoutId.poll();
            if (stranger != null) {
                ask(new Candidate(stranger, target), true);
                continue;
            }
            Optional<Candidate> next =
                    nearest().stream().filter(c -> c.state == State.NEW).findFirst();
            if (next.isEmpty()) {
                break;
            }
            ask(next.get(), false);
        }
        boolean open = waiting > 0 || (asked < MAX_ASKED && nearest().stream().anyMatch(c -> c.state == State.NEW));
        if (!open) {
            finish();
        }
    }

    /** The closest candidates that have not failed. */
    private List<Candidate> nearest() {
        List<Candidate> nearest = new ArrayList<>(closest);
        for (Candidate candidate : candidates.values()) {
            if (candidate.state != State.FAILED && candidate.state != State.SLOW) {
                nearest.add(candidate);
                if (nearest.size() == closest) {
                    break;
                }
            }
        }
        return nearest;
    }

    private void ask(Candidate candidate, boolean stranger) {
        candidate.state = State.ASKED;
        waiting++;
        asked++;
        node.query(
                request.get(),
                candidate.address,
                answer -> {
                    settle(candidate, State.ANSWERED);
                    if (!done && answer instanceof AbstractLookupResponse response) {
                        take(candidate, stranger, response);
                    }
                    step();
                },
                () -> {
                    settle(candidate, State.FAILED);
                    step();
                });
        node.after(PATIENCE, () -> {
            if (candidate.state == State.ASKED) {
                settle(candidate, State.SLOW);
                step();
            }
        });
    }

    private void settle(Candidate candidate, State state) {
        if (candidate.state == State.ASKED) {
            waiting--;
        }
        candidate.state = state;
    }

    private void take(Candidate candidate, boolean stranger, AbstractLookupResponse response) {
        Candidate responder = candidate;
        Key id = response.getID();
        if (stranger && !node.isSelf(id)) {
            responder = candidates.computeIfAbsent(id, key -> new Candidate(candidate.address, key));
            settle(responder, State.ANSWERED); // It may be waited for by its id as well.
        }
        responder.token = Optional.ofNullable(response.getToken());
        NodeList nodes = response.getNodes(node.family().type());
        if (nodes != null) {
            nodes.entries().forEach((KBucketEntry entry) -> add(entry.getAddress(), entry.getID()));
        }
        progress.answered(candidate.address, response);
    }

    private void finish() {
        if (done) {
            return;
        }
        done = true;
        progress.done(candidates.values().stream()
                .filter(c -> c.state == State.ANSWERED)
                .limit(closest)
                .map(c -> new Responder(c.address, c.id, c.token))
                .toList());
    }
}
