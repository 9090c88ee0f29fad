import java.net.InetAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import live.tributary.mesh.rendezvous.DhtRendezvous;
import live.tributary.mesh.rendezvous.DhtSettings;

/** A DHT node on a free loopback port, by which the demo's programs join; runs until it is stopped. */
public final class PrivateDht {
    private PrivateDht() {}

    public static void main(String[] args) throws Exception {
        DhtSettings settings =
                new DhtSettings(Optional.of(InetAddress.getByName("127.0.0.1")), 0, Path.of(args[0]), List.of(), true);
        DhtRendezvous node = DhtRendezvous.start(settings, new SecureRandom());
        Runtime.getRuntime().addShutdownHook(new Thread(node::close, "stop"));
        System.out.println(
                "READY {\"role\":\"dht\",\"dht\":\"127.0.0.1:" + node.address().getPort() + "\"}");
        new CountDownLatch(1).await();
    }
}
