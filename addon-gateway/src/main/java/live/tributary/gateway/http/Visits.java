package live.tributary.gateway.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.net.InetAddress;
import java.net.URI;
import java.util.Optional;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.http.HttpQuery;

/** Makes out who asks, and by which URL: from the socket, and from headers where a trusted proxy wrote them. */
public final class Visits {
    private static final AsciiString FORWARDED_PROTO = AsciiString.cached("x-forwarded-proto");
    private static final AsciiString FORWARDED_HOST = AsciiString.cached("x-forwarded-host");
    private static final int MAX_NAME = 253;
    private static final int MAX_PORT_DIGITS = 5;

    private final ClientAddress clientAddress;
    private final Locator locator;
    private final Optional<String> publicUrl;

    public Visits(ClientAddress clientAddress, Locator locator, Optional<URI> publicUrl) {
        this.clientAddress = clientAddress;
        this.locator = locator;
        this.publicUrl = publicUrl.map(url -> url.toString().replaceAll("/+$", ""));
    }

    /** Empty where the Host header is none and no public URL is configured. */
    public Optional<Visit> of(HttpQuery query) {
        return base(query).map(base -> of(query, address(query), base));
    }

    /** The same, with what is known of it already. */
    public Visit of(HttpQuery query, InetAddress address, String base) {
        return new Visit(viewer(query, address, base.startsWith("https:")), base);
    }

    /** The address to count a client's requests by. */
    public InetAddress address(HttpQuery query) {
        return clientAddress.of(query.remote().getAddress(), query.headers());
    }

    private Viewer viewer(HttpQuery query, InetAddress address, boolean tlsOnly) {
        Location location = locator.locate(address);
        if (location.place().isEmpty()) {
            location = new Location(toldPlace(query), location.country(), location.autonomousSystem());
        }
        return new Viewer(address, location, tlsOnly);
    }

    /** Where a trusted proxy says that the viewer is. */
    public Optional<Place> toldPlace(HttpQuery query) {
        return proxied(query) ? cloudflarePlace(query.headers()) : Optional.empty();
    }

    /** The URL by which this gateway was asked; empty where the Host header is none and no public URL is configured. */
    public Optional<String> base(HttpQuery query) {
        if (publicUrl.isPresent()) {
            return publicUrl;
        }
        boolean proxied = proxied(query);
        boolean https = query.tls()
                || (proxied && "https".equalsIgnoreCase(query.headers().get(FORWARDED_PROTO)));
        String host = proxied ? query.headers().get(FORWARDED_HOST) : null;
        if (host == null || !isHost(host)) {
            host = query.headers().get(HttpHeaderNames.HOST);
        }
        return host == null || !isHost(host) ? Optional.empty() : Optional.of((https ? "https://" : "http://") + host);
    }

    private boolean proxied(HttpQuery query) {
        return clientAddress.trusts(query.remote().getAddress());
    }

    /** A name, an IPv4 address or an IPv6 one in brackets, with or without a port: nothing that would be more than that in a URL. */
    private static boolean isHost(String text) {
        int colon = text.endsWith("]") ? -1 : text.lastIndexOf(':');
        int end = colon < 0 ? text.length() : colon;
        boolean brackets = text.startsWith("[");
        int from = brackets ? 1 : 0;
        int to = brackets ? end - 1 : end;
        if (to - from < 1 || to - from > MAX_NAME || (brackets && text.charAt(to) != ']')) {
            return false;
        }
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            boolean fits = brackets ? c == ':' || c == '.' || Character.digit(c, 16) >= 0 && c < 128 : isOfName(c);
            if (!fits) {
                return false;
            }
        }
        return colon < 0 || isPort(text, colon + 1);
    }

    private static boolean isOfName(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_';
    }

    private static boolean isPort(String text, int from) {
        int digits = text.length() - from;
        for (int i = from; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return digits >= 1 && digits <= MAX_PORT_DIGITS;
    }

    /** What Cloudflare's "visitor location headers" tell, where they are switched on. */
    private static Optional<Place> cloudflarePlace(HttpHeaders headers) {
        String latitude = headers.get("cf-iplatitude");
        String longitude = headers.get("cf-iplongitude");
        if (latitude == null || longitude == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Place(Double.parseDouble(latitude), Double.parseDouble(longitude)));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Not numbers, or not on the globe: as good as not sent.
        }
    }
}
