package live.tributary.relay.nat;

import com.offbynull.portmapper.PortMapperFactory;
import com.offbynull.portmapper.gateways.network.NetworkGateway;
import com.offbynull.portmapper.gateways.network.internalmessages.KillNetworkRequest;
import com.offbynull.portmapper.gateways.process.ProcessGateway;
import com.offbynull.portmapper.gateways.process.internalmessages.KillProcessRequest;
import com.offbynull.portmapper.mapper.MappedPort;
import com.offbynull.portmapper.mapper.PortMapper;
import com.offbynull.portmapper.mapper.PortType;
import com.offbynull.portmapper.mappers.natpmp.NatPmpPortMapper;
import com.offbynull.portmapper.mappers.pcp.PcpPortMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import live.tributary.protocol.stream.Endpoint;
import org.jspecify.annotations.Nullable;

/** The routers that answer to PCP, NAT-PMP or UPnP, by way of the portmapper library. */
public final class HomeRouters implements Routers {
    /** PCP says most, and UPnP is spoken by the worst. */
    public static final List<String> PROTOCOLS = List.of("PCP", "NAT-PMP", "UPnP");

    private @Nullable NetworkGateway network;
    private @Nullable ProcessGateway processes;

    @Override
    public List<Router> find() throws InterruptedException {
        NetworkGateway sockets = network == null ? NetworkGateway.create() : network;
        network = sockets;
        ProcessGateway commands = processes == null ? ProcessGateway.create() : processes;
        processes = commands;
        try {
            return PortMapperFactory.discover(sockets.getBus(), commands.getBus()).stream()
                    .sorted(Comparator.comparingInt(HomeRouters::preference))
                    .<Router>map(Found::new)
                    .toList();
        } catch (IllegalStateException | IllegalArgumentException e) {
            return List.of(); // Its way of saying that an answer made no sense.
        }
    }

    private static int preference(PortMapper mapper) {
        return mapper instanceof PcpPortMapper ? 0 : mapper instanceof NatPmpPortMapper ? 1 : 2;
    }

    @Override
    public void close() {
        Optional.ofNullable(network).ifPresent(gateway -> gateway.getBus().send(new KillNetworkRequest()));
        Optional.ofNullable(processes).ifPresent(gateway -> gateway.getBus().send(new KillProcessRequest()));
    }

    private record Found(PortMapper mapper) implements Router {
        @Override
        public String protocol() {
            return PROTOCOLS.get(preference(mapper));
        }

        @Override
        public Lease map(int port, Duration lifetime) throws IOException, InterruptedException {
            try {
                MappedPort tcp = mapper.mapPort(PortType.TCP, port, port, lifetime.toSeconds());
                try {
                    MappedPort udp = mapper.mapPort(PortType.UDP, port, tcp.getExternalPort(), lifetime.toSeconds());
                    if (udp.getExternalPort() == tcp.getExternalPort()) {
                        return new Pair(mapper, tcp, udp);
                    }
                    mapper.unmapPort(udp);
                } catch (IllegalStateException e) {
                    mapper.unmapPort(tcp);
                    throw e;
                }
                mapper.unmapPort(tcp);
                throw new IOException("TCP and UDP get different ports");
            } catch (IllegalStateException | IllegalArgumentException e) {
                throw new IOException("no mapping of port " + port, e);
            }
        }
    }

    private record Pair(PortMapper mapper, MappedPort tcp, MappedPort udp) implements Router.Lease {
        @Override
        public Endpoint outside() {
            return new Endpoint(tcp.getExternalAddress(), tcp.getExternalPort());
        }

        @Override
        public Duration lifetime() {
            return Duration.ofSeconds(Math.min(tcp.getLifetime(), udp.getLifetime()));
        }

        @Override
        public Router.Lease renew(Duration longer) throws IOException, InterruptedException {
            try {
                return new Pair(
                        mapper,
                        mapper.refreshPort(tcp, longer.toSeconds()),
                        mapper.refreshPort(udp, longer.toSeconds()));
            } catch (IllegalStateException | IllegalArgumentException e) {
                throw new IOException("no renewal of port " + tcp.getExternalPort(), e);
            }
        }

        @Override
        public void release() throws IOException, InterruptedException {
            try {
                mapper.unmapPort(udp);
                mapper.unmapPort(tcp);
            } catch (IllegalStateException | IllegalArgumentException e) {
                throw new IOException("port " + tcp.getExternalPort() + " stays mapped until its time is over", e);
            }
        }
    }
}
