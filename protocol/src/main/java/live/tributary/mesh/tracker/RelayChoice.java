package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;

/**
 * Chooses which relays to name, so that no one hand can be the whole answer: at most one a site (IPv4 /24, IPv6 /48), and at most
 * half of them, or one, of an operator.
 *
 * <p>In a lab or a LAN the rule would hide everybody behind the first: addresses that the internet does not route are exempt
 * where they are allowed at all.
 */
final class RelayChoice {
    private final boolean privateAddresses;

    RelayChoice(boolean privateAddresses) {
        this.privateAddresses = privateAddresses;
    }

    /** Up to {@code max} relays in random order, each with those of its endpoints that may be named. */
    List<List<Endpoint>> choose(List<RelayView> relays, int max, RandomGenerator random) {
        List<RelayView> shuffled = new ArrayList<>(relays);
        Collections.shuffle(shuffled, new Random(random.nextLong()));
        Set<Network> sites = new HashSet<>();
        Map<Network, List<List<Endpoint>>> byOperator = new HashMap<>();
        List<List<Endpoint>> exempt = new ArrayList<>();
        for (RelayView relay : shuffled) {
            List<Endpoint> endpoints = relay.endpoints().stream()
                    .filter(endpoint -> privateAddresses || Endpoint.isGlobalUnicast(endpoint.address()))
                    .toList();
            List<InetAddress> routed = endpoints.stream()
                    .map(Endpoint::address)
                    .filter(Endpoint::isGlobalUnicast)
                    .toList();
            if (endpoints.isEmpty()) {
                continue;
            }
            if (routed.isEmpty()) {
                exempt.add(endpoints);
            } else if (routed.stream().map(Network::site).noneMatch(sites::contains)) {
                routed.forEach(address -> sites.add(Network.site(address)));
                byOperator
                        .computeIfAbsent(Network.operator(routed.get(0)), operator -> new ArrayList<>())
                        .add(endpoints);
            }
        }
        trimLargest(byOperator);
        List<List<Endpoint>> chosen = new ArrayList<>(exempt);
        byOperator.values().forEach(chosen::addAll);
        Collections.shuffle(chosen, new Random(random.nextLong()));
        return chosen.size() > max ? chosen.subList(0, max) : chosen;
    }

    private static void trimLargest(Map<Network, List<List<Endpoint>>> byOperator) {
        int all = byOperator.values().stream().mapToInt(List::size).sum();
        for (List<List<Endpoint>> group : byOperator.values()) {
            int most = Math.max(1, all - group.size());
            if (group.size() > most) {
                group.subList(most, group.size()).clear();
            }
        }
    }
}
