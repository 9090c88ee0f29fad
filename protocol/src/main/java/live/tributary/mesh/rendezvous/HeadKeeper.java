package live.tributary.mesh.rendezvous;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import lbms.plugins.mldht.kad.GenericStorage.StorageItem;
import lbms.plugins.mldht.kad.Key;
import lbms.plugins.mldht.kad.messages.GetRequest;
import lbms.plugins.mldht.kad.messages.PutRequest;
import live.tributary.protocol.dht.MutableTarget;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.SignedHead;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the newest head of one's own stream stored over one family.
 *
 * <p>A head that says something new to a joiner (status, term, entry points, bucket) is put at once; one that moves only the
 * pointer to the newest window or the expiry is put at most once a minute. Tokens of the last lookup are used again while they
 * are valid, so that most puts need none.
 */
final class HeadKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(HeadKeeper.class);

    private static final Duration URGENT_PAUSE = Duration.ofSeconds(4);
    private static final Duration POINTER_PAUSE = Duration.ofMinutes(1);
    /** Nodes that come near the key since do not have it. */
    private static final Duration KEEP_ALIVE = Duration.ofMinutes(10);

    private static final Duration RETRY = Duration.ofSeconds(5);
    private static final Duration PRIVATE_RETRY = Duration.ofSeconds(1);
    /** BEP 5: tokens are accepted for up to ten minutes, and changed every five. */
    private static final Duration TOKEN_LIFETIME = Duration.ofMinutes(4);

    private static final int ENOUGH_ACCEPTED = 4;

    private final DhtNode node;
    private final Jitter jitter;
    private final Key target;
    private SignedHead newest;
    private @Nullable SignedHead stored;
    private List<Lookup.Responder> holders = List.of();
    private long holdersSince;
    private long putAt;
    private boolean working;
    private int appointments;

    HeadKeeper(DhtNode node, Jitter jitter, SignedHead head) {
        this.node = node;
        this.jitter = jitter;
        this.target = new Key(MutableTarget.ofHead(head.stream()).bytes());
        this.newest = head;
    }

    /** Takes a newer head; an older one is let go. */
    void take(SignedHead head) {
        if (head == newest || head.supersedes(newest)) {
            newest = head;
            storeHere();
            plan(pause());
        } else {
            LOG.debug("a head that is not newer is not put: seq {}", head.head().seq());
        }
    }

    private Duration pause() {
        SignedHead last = stored;
        if (last == null) {
            return Duration.ZERO;
        }
        Duration apart = saysTheSame(last.head(), newest.head()) ? POINTER_PAUSE : URGENT_PAUSE;
        Duration since = Duration.ofNanos(System.nanoTime() - putAt);
        return since.compareTo(apart) >= 0 ? Duration.ZERO : apart.minus(since);
    }

    private static boolean saysTheSame(Head a, Head b) {
        return a.status() == b.status()
                && a.term() == b.term()
                && a.fallback().equals(b.fallback())
                && a.entryPoints().equals(b.entryPoints())
                && a.about().equals(b.about());
    }

    /** The last appointment made is the one that is kept. */
    private void plan(Duration delay) {
        int appointment = ++appointments;
        Runnable keep = () -> {
            if (appointment == appointments) {
                put();
            }
        };
        if (delay.isZero()) {
            keep.run();
        } else {
            node.after(delay, keep);
        }
    }

    private void put() {
        if (working) {
            return; // It plans the next one when it ends.
        }
        working = true;
        boolean fresh = System.nanoTime() - holdersSince < TOKEN_LIFETIME.toNanos();
        if (fresh && !holders.isEmpty()) {
            write(newest);
        } else {
            Lookup.start(node, target, () -> new GetRequest(target), responders -> {
                holders = responders;
                holdersSince = System.nanoTime();
                write(newest);
            });
        }
    }

    private void write(SignedHead head) {
        putAt = System.nanoTime();
        new Round(node, holders, token -> request(head, token), accepted -> written(head, accepted)).start();
    }

    private void written(SignedHead head, int accepted) {
        working = false;
        int enough = node.isPrivate() ? 1 : ENOUGH_ACCEPTED;
        if (accepted >= enough) {
            if (stored == null) {
                LOG.info("the stream's head is stored at {} DHT nodes over {}", accepted, node.family());
            }
            stored = head;
        } else {
            holders = List.of();
        }
        if (accepted < enough) {
            plan(jitter.around(node.isPrivate() ? PRIVATE_RETRY : RETRY));
        } else if (head != newest) {
            plan(pause());
        } else {
            plan(jitter.around(KEEP_ALIVE));
        }
    }

    private static PutRequest request(SignedHead head, byte[] token) {
        PutRequest request = new PutRequest();
        request.setPubkey(head.stream().bytes());
        request.setSalt(Head.SALT.getBytes(StandardCharsets.US_ASCII));
        request.setSequenceNumber(head.head().seq());
        request.setValue(ByteBuffer.wrap(head.value()));
        request.setSignature(head.signature());
        request.setToken(token);
        return request;
    }

    /** So that this node answers for it too, which in a small DHT may be what others ask. */
    private void storeHere() {
        StorageItem item = new StorageItem(request(newest, new byte[0]));
        node.storage().putOrUpdate(target, item, -1);
    }
}
