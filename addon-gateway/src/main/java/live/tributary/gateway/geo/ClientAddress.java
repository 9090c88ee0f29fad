package live.tributary.gateway.geo;

import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The viewer's address behind a chain of proxies, of which only the operator's own are believed.
 *
 * <p>Each proxy appends the address that it saw, so the list is read from the right: whatever stands left of the first address
 * that is not a trusted proxy's was written by a stranger.
 */
public final class ClientAddress {
    /** The most entries of X-Forwarded-For that are looked at, from the right. */
    static final int MAX_HOPS = 16;

    private static final String FORWARDED_FOR = "x-forwarded-for";
    private static final String CLOUDFLARE = "cf-connecting-ip";

    private final List<Cidr> trustedProxies;

    public ClientAddress(List<Cidr> trustedProxies) {
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /** Whether the socket's other end is a proxy whose headers count. */
    public boolean trusts(InetAddress peer) {
        return trustedProxies.stream().anyMatch(proxy -> proxy.contains(peer));
    }

    public InetAddress of(InetAddress peer, HttpHeaders headers) {
        if (!trusts(peer)) {
            return peer;
        }
        Optional<InetAddress> cloudflare =
                Optional.ofNullable(headers.get(CLOUDFLARE)).flatMap(ClientAddress::address);
        if (cloudflare.isPresent()) {
            return cloudflare.get();
        }
        InetAddress client = peer;
        for (String hop : fromTheRight(headers)) {
            Optional<InetAddress> address = address(hop);
            if (address.isEmpty()) {
                return client;
            }
            client = address.get();
            if (!trusts(client)) {
                return client;
            }
        }
        return client;
    }

    private static List<String> fromTheRight(HttpHeaders headers) {
        String[] all = String.join(",", headers.getAll(FORWARDED_FOR)).split(",", -1);
        List<String> hops = new ArrayList<>();
        for (int i = all.length - 1; i >= 0 && hops.size() < MAX_HOPS; i--) {
            hops.add(all[i].strip());
        }
        return hops;
    }

    /** An address with or without a port or brackets. */
    private static Optional<InetAddress> address(String text) {
        String host = text.strip();
        if (host.startsWith("[") && host.indexOf(']') > 0) {
            host = host.substring(1, host.indexOf(']'));
        } else if (host.indexOf('.') > 0 && host.indexOf(':') > 0 && host.indexOf(':') == host.lastIndexOf(':')) {
            host = host.substring(0, host.indexOf(':'));
        }
        try {
            return Optional.of(Cidr.numeric(host));
        } catch (IllegalArgumentException e) {
            return Optional
                    .empty(); // A proxy that writes no address (RFC 7239's "unknown") tells nothing further left.
        }
    }
}
