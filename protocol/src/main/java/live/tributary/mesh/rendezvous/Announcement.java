package live.tributary.mesh.rendezvous;

import java.time.Duration;
import java.util.List;
import lbms.plugins.mldht.kad.Key;
import lbms.plugins.mldht.kad.messages.AnnounceRequest;
import lbms.plugins.mldht.kad.messages.GetPeersRequest;
import live.tributary.protocol.stream.InfoHash;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One infohash that this node announces over one family until it is withdrawn; retried soon while nobody has accepted it. */
final class Announcement {
    private static final Logger LOG = LoggerFactory.getLogger(Announcement.class);

    /** Peers are kept for half an hour and more. */
    private static final Duration INTERVAL = Duration.ofMinutes(15);
    /** A lab's nodes come and go, and what they stored goes with them. */
    private static final Duration PRIVATE_INTERVAL = Duration.ofSeconds(30);

    private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
    private static final Duration LAST_RETRY = Duration.ofSeconds(60);
    private static final Duration LAST_PRIVATE_RETRY = Duration.ofSeconds(2);
    private static final Duration NEWCOMER_PAUSE = Duration.ofMillis(300);
    private static final int ENOUGH_ACCEPTED = 4;

    private final DhtNode node;
    private final Jitter jitter;
    private final Key key;
    private final int port;
    private Duration retry = FIRST_RETRY;
    private boolean told;
    private boolean working;
    private boolean withdrawn;
    private int appointments;

    Announcement(DhtNode node, Jitter jitter, InfoHash infoHash, int port) {
        this.node = node;
        this.jitter = jitter;
        this.key = new Key(infoHash.bytes());
        this.port = port;
    }

    DhtNode node() {
        return node;
    }

    void withdraw() {
        withdrawn = true;
    }

    /** A node was heard of for the first time: in a small DHT it should know of this soon. */
    void newcomer() {
        if (!withdrawn) {
            plan(NEWCOMER_PAUSE);
        }
    }

    /** The last appointment made is the one that is kept. */
    private void plan(Duration delay) {
        int appointment = ++appointments;
        node.after(delay, () -> {
            if (appointment == appointments) {
                run();
            }
        });
    }

    void run() {
        if (!withdrawn && !working) {
            working = true;
            Lookup.start(node, key, () -> new GetPeersRequest(key), this::announceTo);
        }
    }

    private void announceTo(List<Lookup.Responder> responders) {
        Round round = new Round(
                node, responders, token -> new AnnounceRequest(key, port, token), accepted -> accepted(accepted));
        round.start();
    }

    private void accepted(int count) {
        working = false;
        if (count > 0 && !told) {
            told = true;
            LOG.info("announced port {} to {} DHT nodes over {}", port, count, node.family());
        }
        boolean enough = count >= (node.isPrivate() ? 1 : ENOUGH_ACCEPTED);
        Duration interval = node.isPrivate() ? PRIVATE_INTERVAL : INTERVAL;
        Duration last = node.isPrivate() ? LAST_PRIVATE_RETRY : LAST_RETRY;
        plan(jitter.around(enough ? interval : retry));
        retry = enough ? FIRST_RETRY : Jitter.shorter(retry.multipliedBy(2), last);
    }
}
