package live.tributary.relay.nat;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import live.tributary.protocol.stream.Endpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mapping of the relay's port on a router: found, kept, told, and taken back.
 *
 * <p>{@link #step} does what is due and says when to come again; it waits for routers, so it has a thread of its own. A mapping
 * whose outside address is private is released at once: behind that router stands another, and nobody would get through.
 */
final class PortMapping {
    static final Duration LIFETIME = Duration.ofHours(1);
    static final Duration SEARCH_AGAIN = Duration.ofMinutes(10);

    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(PortMapping.class);

    private final Routers routers;
    private final int port;
    private final Predicate<InetAddress> reachable;
    private final Consumer<Endpoint> mapped;
    private final Consumer<Endpoint> unmapped;
    private volatile Optional<Held> held = Optional.empty();
    private volatile String text = "asking the router";

    private record Held(String protocol, Router.Lease lease) {}

    /**
     * @param reachable whether the world reaches such an address
     * @param mapped hears where the port is reached from now on
     * @param unmapped hears where it no longer is
     */
    PortMapping(
            Routers routers,
            int port,
            Predicate<InetAddress> reachable,
            Consumer<Endpoint> mapped,
            Consumer<Endpoint> unmapped) {
        this.routers = routers;
        this.port = port;
        this.reachable = reachable;
        this.mapped = mapped;
        this.unmapped = unmapped;
    }

    /** By which protocol the port is mapped now; from any thread. */
    Optional<String> protocol() {
        return held.map(Held::protocol);
    }

    /** What came of it, in plain words. */
    String text() {
        return text;
    }

    /** Searches, or renews; returns how long nothing is to be done. */
    Duration step() throws InterruptedException {
        if (held.isPresent() && renewed(held.get())) {
            return pause(held.get().lease());
        }
        List<Router> found = routers.find();
        String why = "no router answers to UPnP, NAT-PMP or PCP: forward TCP and UDP port " + port
                + " to this machine by hand, unless it has an address of its own";
        for (Router router : found) {
            try {
                Router.Lease lease = router.map(port, LIFETIME);
                if (reachable.test(lease.outside().address())) {
                    hold(new Held(router.protocol(), lease));
                    return pause(lease);
                }
                lease.release();
                why = "the router (" + router.protocol() + ") has the private address "
                        + lease.outside().address().getHostAddress() + ": it is itself behind the provider's NAT,"
                        + " so nobody comes in that way";
            } catch (IOException e) {
                why = "the router (" + router.protocol() + ") refuses: " + e.getMessage();
            }
        }
        if (!text.equals(why)) {
            LOG.info("port mapping: {}", why);
        }
        text = why;
        return SEARCH_AGAIN;
    }

    private boolean renewed(Held before) throws InterruptedException {
        try {
            Router.Lease lease = before.lease().renew(LIFETIME);
            if (!lease.outside().equals(before.lease().outside())) {
                lose(before);
                if (!reachable.test(lease.outside().address())) {
                    lease.release();
                    return false;
                }
            }
            hold(new Held(before.protocol(), lease));
            return true;
        } catch (IOException e) {
            LOG.warn("port mapping: the router ({}) does not renew: {}", before.protocol(), e.getMessage());
            lose(before);
            return false;
        }
    }

    private void hold(Held now) {
        boolean fresh = held.isEmpty();
        held = Optional.of(now);
        text = "the router (" + now.protocol() + ") forwards "
                + now.lease().outside().text() + " to port " + port;
        if (fresh) {
            LOG.info("port mapping: {}", text);
            mapped.accept(now.lease().outside());
        }
    }

    private void lose(Held before) {
        held = Optional.empty();
        text = "asking the router again";
        unmapped.accept(before.lease().outside());
    }

    private static Duration pause(Router.Lease lease) {
        Duration half = lease.lifetime().dividedBy(2);
        return half.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : half;
    }

    /** Takes the mapping back from the router, if there is one. */
    void release() throws InterruptedException {
        if (held.isEmpty()) {
            return;
        }
        Held before = held.get();
        lose(before);
        try {
            before.lease().release();
        } catch (IOException e) {
            LOG.info("port mapping: not taken back, it ends by itself: {}", e.getMessage());
        }
    }
}
