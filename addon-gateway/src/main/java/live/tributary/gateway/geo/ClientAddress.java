package live.tributary.gateway.geo;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.net.InetAddress;
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

    private static final AsciiString FORWARDED_FOR = AsciiString.cached("x-forwarded-for");
    private static final AsciiString CLOUDFLARE = AsciiString.cached("cf-connecting-ip");

    private final List<Cidr> trustedProxies;

    public ClientAddress(List<Cidr> trustedProxies) {
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /** Whether the socket's other end is a proxy whose headers count. */
    public boolean trusts(InetAddress peer) {
        for (Cidr proxy : trustedProxies) {
            if (proxy.contains(peer)) {
                return true;
            }
        }
        return false;
    }

    public InetAddress of(InetAddress peer, HttpHeaders headers) {
        if (!trusts(peer)) {
            return peer;
        }
        String cloudflare = headers.get(CLOUDFLARE);
        if (cloudflare != null) {
            Optional<InetAddress> told = address(cloudflare);
            if (told.isPresent()) {
                return told.get();
            }
        }
        InetAddress client = peer;
        List<String> lines = headers.getAll(FORWARDED_FOR);
        int hops = 0;
        for (int i = lines.size() - 1; i >= 0; i--) {
            String line = lines.get(i);
            int end = line.length();
            while (end >= 0) {
                int comma = line.lastIndexOf(',', end - 1);
                Optional<InetAddress> address =
                        hops++ < MAX_HOPS ? address(line.substring(comma + 1, end)) : Optional.empty();
                if (address.isEmpty()) {
                    return client;
                }
                client = address.get();
                if (!trusts(client)) {
                    return client;
                }
                end = comma;
            }
        }
        return client;
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
