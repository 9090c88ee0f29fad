package live.tributary.mesh.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/**
 * Where this node can be reached, as far as it knows: what it was told, what its sockets say, and what others see.
 *
 * <p>One stranger's word makes no endpoint: an address that others see counts when two nodes of different keys and, but for
 * private networks, different neighbourhoods have said so.
 */
final class OwnEndpoints {
    private static final int ENOUGH_WITNESSES = 2;
    private static final int MAX_SEEN = 64;
    private static final int MAX_WITNESSES = 16;
    /** As many as a descriptor holds. */
    private static final int MAX_TOLD = 4;

    private final AddressPolicy policy;
    private final Set<InetAddress> configured;
    private final Set<Endpoint> mapped = new LinkedHashSet<>();
    private final Set<InetAddress> local = new LinkedHashSet<>();
    private final Map<InetAddress, Map<RelayKey, InetAddress>> seen = new HashMap<>();
    private int port;

    OwnEndpoints(AddressPolicy policy, List<InetAddress> configured) {
        this.policy = policy;
        this.configured = new LinkedHashSet<>(configured);
    }

    synchronized void listeningOn(int listening) {
        port = listening;
    }

    synchronized int port() {
        return port;
    }

    /** A router maps this endpoint to the node's port. */
    synchronized void mapped(Endpoint endpoint) {
        mapped.add(endpoint);
    }

    synchronized void unmapped(Endpoint endpoint) {
        mapped.remove(endpoint);
    }

    /** A socket of this node has this address of its own. */
    synchronized void local(InetAddress address) {
        if (policy.mayBeReached(address)) {
            local.add(address);
        }
    }

    /** Another node sees this one at an address. */
    synchronized void seen(InetAddress address, RelayKey witness, InetAddress witnessAddress) {
        if (!policy.mayBeReached(address) || (seen.size() >= MAX_SEEN && !seen.containsKey(address))) {
            return;
        }
        Map<RelayKey, InetAddress> witnesses = seen.computeIfAbsent(address, a -> new HashMap<>());
        if (witnesses.size() < MAX_WITNESSES) {
            witnesses.put(witness, witnessAddress);
        }
    }

    /** Whether a node that says it dialled {@code dialled} reached this one there; {@code localAddress} is its connection's. */
    synchronized boolean isOwn(Endpoint dialled, InetSocketAddress localAddress) {
        if (mapped.contains(dialled)) {
            return true;
        }
        return dialled.port() == port
                && (dialled.address().equals(localAddress.getAddress())
                        || configured.contains(dialled.address())
                        || local.contains(dialled.address())
                        || isWitnessed(dialled.address()));
    }

    synchronized List<Endpoint> all() {
        Set<Endpoint> all = new LinkedHashSet<>();
        if (port > 0) {
            configured.forEach(address -> all.add(new Endpoint(address, port)));
            all.addAll(mapped);
            local.forEach(address -> all.add(new Endpoint(address, port)));
            seen.keySet().stream().filter(this::isWitnessed).forEach(address -> all.add(new Endpoint(address, port)));
        }
        List<Endpoint> told = new ArrayList<>(all);
        return told.size() <= MAX_TOLD ? told : told.subList(0, MAX_TOLD);
    }

    private boolean isWitnessed(InetAddress address) {
        Set<Object> independent = new HashSet<>();
        seen.getOrDefault(address, Map.of())
                .forEach((key, from) -> independent.add(policy.allowsPrivate() ? key : policy.neighbourhood(from)));
        return independent.size() >= ENOUGH_WITNESSES;
    }
}
