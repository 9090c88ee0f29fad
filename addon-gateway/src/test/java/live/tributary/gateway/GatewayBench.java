package live.tributary.gateway;

import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpServer;
import live.tributary.mesh.net.BoundPort;
import live.tributary.mesh.net.PortServices;
import live.tributary.mesh.net.Transport;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Rendition;

/**
 * The gateway's HTTP server over streams that are made up: what {@code scripts/bench gateway} puts under load. Arguments: streams, relays.
 *
 * <p>Everything between the socket and the answer is the program's own; only the mesh is not there.
 */
final class GatewayBench {
    private static final int CHUNKS = 12;
    private static final int AUTONOMOUS_SYSTEMS = 40;

    private GatewayBench() {}

    public static void main(String[] args) throws Exception {
        ListedStreams listed = streams(Integer.parseInt(args[0]), relays(Integer.parseInt(args[1])));
        Transport transport = Transport.best();
        EventLoopGroup loops = transport.newGroup("gateway-net", 1);
        Gateway.Policy policy = new Gateway.Policy(
                new AddonIdentity("live.tributary.gateway", "Tributary", "0.1.0"),
                Optional.empty(),
                List.of(Cidr.parse("127.0.0.0/8")),
                false,
                false);
        BoundPort port = BoundPort.bind(
                transport,
                loops,
                BoundPort.Config.of(List.of(InetAddress.getLoopbackAddress()), 0),
                new PortServices(
                        List.of(),
                        HttpServer.of(Gateway.of(
                                policy,
                                listed,
                                places(),
                                new RelayHealth(),
                                new Meters(),
                                () -> FakeStream.EPOCH.plusSeconds(60),
                                System::nanoTime)),
                        Optional.empty()),
                Optional.empty());
        InetSocketAddress address = port.tcp().get(0);
        System.out.println("READY " + address.getPort());
        listed.all()
                .forEach(
                        stream -> System.out.println("tributary:" + stream.key().text()));
        System.out.println("END");
        Thread.currentThread().join();
    }

    private static List<RelayView> relays(int count) {
        List<RelayView> relays = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Endpoint endpoint = FakeStream.endpoint("20." + i / 200 + "." + i % 200 + ".1", 7001);
            relays.add(FakeStream.view(i, NodeRole.RELAY, List.of(endpoint), Optional.empty(), i % 10 * 90));
        }
        return relays;
    }

    /** All of the relays hold all of the streams. */
    private static ListedStreams streams(int count, List<RelayView> relays) {
        ListedStreams listed = new ListedStreams();
        for (int i = 0; i < count; i++) {
            FakeStream stream = FakeStream.live(i, "Stream number " + i, CHUNKS);
            stream.tell(
                    "Stream number " + i,
                    List.of("music", "tag " + i % 20),
                    List.of(new Rendition(
                            0,
                            Rendition.Kind.VARIANT,
                            "BANDWIDTH=3000000,RESOLUTION=1280x720,CODECS=\"avc1.64001f,mp4a.40.2\"")));
            relays.forEach(stream::add);
            stream.holdAll(relays.toArray(RelayView[]::new));
            stream.closeWindow(0);
            listed.add(stream);
        }
        return listed;
    }

    /** Every network somewhere, the same each time, and found as fast as one that was looked up before. */
    private static Locator places() {
        Map<Network, Location> known = new ConcurrentHashMap<>();
        return address -> known.computeIfAbsent(Network.of(address), network -> {
            int hash = network.hashCode() * 0x9E3779B9;
            Place place = new Place(Math.floorMod(hash, 120) - 50, Math.floorMod(hash >>> 8, 360) - 180);
            return new Location(
                    Optional.of(place),
                    Optional.empty(),
                    OptionalLong.of(64500 + Math.floorMod(hash, AUTONOMOUS_SYSTEMS)));
        });
    }
}
