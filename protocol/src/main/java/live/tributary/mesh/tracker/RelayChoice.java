package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.Endpoint;

/**
 * Chooses which relays to name, so that no one hand can be the whole answer: at most one a site (IPv4 /24, IPv6 /48), and at most
 * half of them, or one, of an operator.
 *
 * <p>Near ones come first and take the places where there are too many. In a lab or a LAN the rule would hide everybody behind the first: addresses that the internet does not route are exempt
 * where they are allowed at all.
 */
final class RelayChoice {
    private final boolean privateAddresses;
    private final Predicate<RelayView> near;

    /** A relay with those of its endpoints that may be named. */
    private record Named(List<Endpoint> endpoints, boolean near) {}

    /** @param near whether a relay is of this one's region */
    RelayChoice(boolean privateAddresses, Predicate<RelayView> near) {
        this.privateAddresses = privateAddresses;
        this.near = near;
    }

    /**
     * Up to {@code max} relays, each with those of its endpoints that may be named: near ones in random order, then others in
     * random order.
     */
    List<List<Endpoint>> choose(List<RelayView> relays, int max, RandomGenerator random) {
        List<RelayView> shuffled = new ArrayList<>(relays);
        Collections.shuffle(shuffled, new Random(random.nextLong()));
        shuffled.sort(Comparator.comparing(relay -> !near.test(relay)));
        Set<Network> sites = new HashSet<>();
        Map<Network, List<Named>> byOperator = new HashMap<>();
        List<Named> exempt = new ArrayList<>();
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
            Named named = new Named(endpoints, near.test(relay));
            if (routed.isEmpty()) {
                exempt.add(named);
            } else if (routed.stream().map(Network::site).noneMatch(sites::contains)) {
                routed.forEach(address -> sites.add(Network.site(address)));
                byOperator
                        .computeIfAbsent(Network.operator(routed.get(0)), operator -> new ArrayList<>())
                        .add(named);
            }
        }
        trimLargest(byOperator);
        List<Named> chosen = new ArrayList<>(exempt);
        byOperator.values().forEach(chosen::addAll);
        Collections.shuffle(chosen, new Random(random.nextLong()));
        return chosen.stream()
                .sorted(Comparator.comparing(named -> !named.near()))
                .limit(max)
                .map(Named::endpoints)
                .toList();
    }

    /** Of a group those are left that were added first: near ones. */
    private static void trimLargest(Map<Network, List<Named>> byOperator) {
        int all = byOperator.values().stream().mapToInt(List::size).sum();
        for (List<Named> group : byOperator.values()) {
            int most = Math.max(1, all - group.size());
            if (group.size() > most) {
                group.subList(most, group.size()).clear();
            }
        }
    }
}
