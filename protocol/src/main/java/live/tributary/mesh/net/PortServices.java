package live.tributary.mesh.net;

import io.netty.handler.ssl.SslContext;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.http.HttpServer;

/**
 * What is spoken on a node's TCP port.
 *
 * @param wire asked in turn for each peer-wire handshake
 * @param http for HTTP, plain and within TLS
 * @param tls for ClientHellos, where there is a certificate
 */
public record PortServices(List<WireService> wire, HttpServer http, Optional<SslContext> tls) {
    public PortServices {
        wire = List.copyOf(wire);
    }
}
