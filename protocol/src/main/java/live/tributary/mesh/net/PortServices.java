package live.tributary.mesh.net;

import io.netty.handler.ssl.SslContext;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.admin.Drops;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.mse.KeyExchanges;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.InfoHash;

/**
 * What is spoken on a node's TCP port.
 *
 * @param wire asked in turn for each peer-wire handshake
 * @param http for HTTP, plain and within TLS
 * @param tls for ClientHellos, where there is a certificate
 * @param exchanges for encrypted handshakes, where they are answered
 * @param drops counts what is refused
 */
public record PortServices(
        List<WireService> wire,
        HttpServer http,
        Optional<SslContext> tls,
        Optional<KeyExchanges> exchanges,
        Drops drops) {
    public PortServices {
        wire = List.copyOf(wire);
    }

    /** Without encrypted handshakes, and counted for itself: a port for the operator, or for HTTP alone. */
    public PortServices(List<WireService> wire, HttpServer http, Optional<SslContext> tls) {
        this(wire, http, tls, Optional.empty(), new Drops(new Meters()));
    }

    /** The infohash behind what an encrypted handshake names, if it is any service's. */
    Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return wire.stream()
                .flatMap(service -> service.infoHash(obfuscated).stream())
                .findFirst();
    }
}
