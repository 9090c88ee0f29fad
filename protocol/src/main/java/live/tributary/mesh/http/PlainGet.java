package live.tributary.mesh.http;

import java.net.InetSocketAddress;

/**
 * A GET that asks for nothing but its path's answer: no body, no range, no condition, no upgrade.
 *
 * @param rawQuery what stands behind {@code ?}, still percent-encoded
 * @param host as the client wrote it; empty where it did not
 * @param remote the socket's other end
 * @param tls whether it came by TLS
 */
public record PlainGet(String rawQuery, String host, InetSocketAddress remote, boolean tls) {}
