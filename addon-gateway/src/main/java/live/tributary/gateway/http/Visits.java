package live.tributary.gateway.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetAddress;
import java.net.URI;
import java.util.Optional;
import java.util.regex.Pattern;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.ranking.Viewer;
import live.tributary.mesh.http.HttpQuery;

/** Makes out who asks, and by which URL: from the socket, and from headers where a trusted proxy wrote them. */
public final class Visits {
    private static final Pattern HOST =
            Pattern.compile("[A-Za-z0-9._-]{1,253}(:\\d{1,5})?|\\[[0-9A-Fa-f:.]{2,45}](:\\d{1,5})?");

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
        return base(query).map(base -> new Visit(viewer(query, base.startsWith("https:")), base));
    }

    /** The address to count a client's requests by. */
    public InetAddress address(HttpQuery query) {
        return clientAddress.of(query.remote().getAddress(), query.headers());
    }

    private Viewer viewer(HttpQuery query, boolean tlsOnly) {
        InetAddress address = address(query);
        Location location = locator.locate(address);
        if (location.place().isEmpty() && proxied(query)) {
            location = new Location(cloudflarePlace(query.headers()), location.country(), location.autonomousSystem());
        }
        return new Viewer(address, location, tlsOnly);
    }

    private Optional<String> base(HttpQuery query) {
        if (publicUrl.isPresent()) {
            return publicUrl;
        }
        boolean proxied = proxied(query);
        boolean https = query.tls()
                || (proxied && "https".equalsIgnoreCase(query.headers().get("x-forwarded-proto")));
        return (proxied ? host(query, "x-forwarded-host") : Optional.<String>empty())
                .or(() -> host(query, HttpHeaderNames.HOST))
                .map(name -> (https ? "https://" : "http://") + name);
    }

    private boolean proxied(HttpQuery query) {
        return clientAddress.trusts(query.remote().getAddress());
    }

    private static Optional<String> host(HttpQuery query, CharSequence header) {
        return Optional.ofNullable(query.headers().get(header))
                .filter(value -> HOST.matcher(value).matches());
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
