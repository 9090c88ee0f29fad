package live.tributary.relay;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import live.tributary.protocol.stream.Endpoint;

/** Whether others can reach this relay, in plain words and by facts alone: what others see of it, who has come in, what it gave. */
final class Reachability {
    private static final double MEGABYTE = 1e6;

    private final Supplier<List<Endpoint>> endpoints;
    private final Incoming ipv4;
    private final Incoming ipv6;
    private final LongSupplier given;

    /**
     * What has come in from the internet over one family.
     *
     * @param connections over TCP, so far
     * @param datagrams whether there were any over UDP
     */
    record Incoming(LongSupplier connections, BooleanSupplier datagrams) {
        boolean none() {
            return connections.getAsLong() == 0 && !datagrams.getAsBoolean();
        }
    }

    /**
     * @param endpoints at which this relay believes that it is reached
     * @param given bytes sent to others since the start
     */
    Reachability(Supplier<List<Endpoint>> endpoints, Incoming ipv4, Incoming ipv6, LongSupplier given) {
        this.endpoints = endpoints;
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
        this.given = given;
    }

    String text() {
        List<String> facts = new ArrayList<>();
        List<Endpoint> known = endpoints.get();
        facts.add(
                known.isEmpty()
                        ? "its address is not known yet: no two other nodes have told it"
                        : "its address is " + known.stream().map(Endpoint::text).collect(Collectors.joining(", ")));
        facts.add(incoming("IPv4", ipv4));
        facts.add(incoming("IPv6", ipv6));
        if (ipv4.none() && ipv6.none()) {
            facts.add("until somebody outside reaches it, no viewer is sent here; it works outwards");
        }
        facts.add(String.format(
                Locale.ROOT, "it has given others %.1f MB since it started", given.getAsLong() / MEGABYTE));
        return String.join("; ", facts);
    }

    private static String incoming(String family, Incoming incoming) {
        if (incoming.none()) {
            return "nobody has come in over " + family + " yet";
        }
        long connections = incoming.connections().getAsLong();
        boolean datagrams = incoming.datagrams().getAsBoolean();
        if (connections == 0) {
            return "over " + family + " only UDP has come in, no TCP: forward both";
        }
        return "reachable over " + family + " by TCP" + (datagrams ? " and UDP" : ", while no UDP has come in yet")
                + ": " + connections + " connections came in";
    }
}
