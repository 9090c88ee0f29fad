package live.tributary.origin.notify;

import java.net.URI;
import java.util.Optional;
import live.tributary.protocol.stream.RelayKey;

/**
 * Where a gateway takes pushed streams.
 *
 * @param gateway the only key that may answer there, where the operator named one behind {@code #}
 */
public record NotifyTarget(String host, int port, boolean tls, String path, Optional<RelayKey> gateway) {
    private static final int WS_PORT = 80;
    private static final int WSS_PORT = 443;
    private static final String USUAL_PATH = "/notify";

    /**
     * Reads {@code ws[s]://host[:port][/path][#key]}.
     *
     * @throws IllegalArgumentException naming the text and what was expected
     */
    public static NotifyTarget parse(String text) {
        URI uri;
        try {
            uri = URI.create(text);
        } catch (IllegalArgumentException e) {
            throw refused(text, e);
        }
        boolean tls = "wss".equals(uri.getScheme());
        if (!tls && !"ws".equals(uri.getScheme()) || uri.getHost() == null || uri.getRawUserInfo() != null) {
            throw refused(text, null);
        }
        String path = uri.getRawPath().isEmpty() || uri.getRawPath().equals("/") ? USUAL_PATH : uri.getRawPath();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        Optional<RelayKey> gateway;
        try {
            gateway = Optional.ofNullable(uri.getRawFragment()).map(RelayKey::fromText);
        } catch (IllegalArgumentException e) {
            throw refused(text, e);
        }
        int port = uri.getPort() > 0 ? uri.getPort() : tls ? WSS_PORT : WS_PORT;
        String host = uri.getHost().replaceAll("^\\[|]$", "");
        return new NotifyTarget(host, port, tls, path + query, gateway);
    }

    private static IllegalArgumentException refused(String text, @org.jspecify.annotations.Nullable Throwable cause) {
        return new IllegalArgumentException(
                text + " (expected: ws[s]://host[:port]/notify, with #<the gateway's key> to take no other)", cause);
    }

    URI uri() {
        String named = host.contains(":") ? "[" + host + "]" : host;
        return URI.create((tls ? "wss://" : "ws://") + named + ":" + port + path);
    }

    @Override
    public String toString() {
        return uri().toString();
    }
}
