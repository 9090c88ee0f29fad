package live.tributary.mesh.program;

import java.net.InetSocketAddress;

/** A host, by name or number, and a port; {@code host:port}, an IPv6 number in brackets. Not resolved. */
public record HostPort(String host, int port) {
    private static final int MAX_PORT = 65535;

    public HostPort {
        if (host.isEmpty()) {
            throw new IllegalArgumentException("host: empty (expected: a name or a number)");
        }
        if (port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException("port: " + port + " (expected: 0..65535)");
        }
    }

    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException(text + " (expected: host:port)");
        }
        String host = text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!bracketed && host.indexOf(':') >= 0) {
            throw new IllegalArgumentException(text + " (expected: [address]:port for IPv6)");
        }
        try {
            return new HostPort(
                    bracketed ? host.substring(1, host.length() - 1) : host, parsePort(text.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(text + " (expected: host:port)", e);
        }
    }

    /** Reads a port number, 0 for a free one. */
    static int parsePort(String text) {
        try {
            int port = Integer.parseInt(text);
            if (port >= 0 && port <= MAX_PORT) {
                return port;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(text + " (expected: 0..65535)", e);
        }
        throw new IllegalArgumentException(text + " (expected: 0..65535)");
    }

    /** The address as it was named, to be looked up by whoever dials it. */
    public InetSocketAddress unresolved() {
        return InetSocketAddress.createUnresolved(host, port);
    }

    /** The address, looked up if the host is a name: blocks on DNS. */
    public InetSocketAddress resolve() {
        return new InetSocketAddress(host, port);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
