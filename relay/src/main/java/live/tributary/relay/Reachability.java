package live.tributary.relay;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import live.tributary.protocol.stream.Endpoint;

/** Whether others can reach this relay, in plain words and by facts alone: what others see of it, and who has come in. */
final class Reachability {
    private final Supplier<List<Endpoint>> endpoints;
    private final LongSupplier ipv4;
    private final LongSupplier ipv6;

    /**
     * @param endpoints at which this relay believes that it is reached
     * @param ipv4 connections that came in from the internet
     */
    Reachability(Supplier<List<Endpoint>> endpoints, LongSupplier ipv4, LongSupplier ipv6) {
        this.endpoints = endpoints;
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
    }

    String text() {
        List<String> facts = new ArrayList<>();
        List<Endpoint> known = endpoints.get();
        facts.add(
                known.isEmpty()
                        ? "its address is not known yet: no two other nodes have told it"
                        : "its address is " + known.stream().map(Endpoint::text).collect(Collectors.joining(", ")));
        facts.add(incoming("IPv4", ipv4.getAsLong()));
        facts.add(incoming("IPv6", ipv6.getAsLong()));
        return String.join("; ", facts);
    }

    private static String incoming(String family, long connections) {
        return connections == 0
                ? "nobody has come in over " + family + " yet"
                : "reachable over " + family + ": " + connections + " connections came in";
    }
}
