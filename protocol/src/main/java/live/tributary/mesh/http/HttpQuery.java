package live.tributary.mesh.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetSocketAddress;

/**
 * A request, as far as a service needs it.
 *
 * @param method GET (also for HEAD) or POST
 * @param rawPath the path as it came, still percent-encoded, without the query
 * @param rawQuery what stands behind {@code ?}, still percent-encoded; empty where there is none
 * @param remote the socket's other end
 * @param tls whether it came by TLS
 * @param body of a POST, at most 64 KiB; belongs to the server
 */
public record HttpQuery(
        String method,
        String rawPath,
        String rawQuery,
        HttpHeaders headers,
        InetSocketAddress remote,
        boolean tls,
        ByteBuf body) {}
