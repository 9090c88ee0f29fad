package live.tributary.relay;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import live.tributary.mesh.node.ProgramNode;
import live.tributary.mesh.program.ByteSize;
import live.tributary.mesh.program.HostPort;
import live.tributary.mesh.program.NodeOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * {@code relay.jar doctor}: whether others can reach this relay and by what, in plain words.
 *
 * <p>It says what this machine shows by itself, and, where the relay runs, what that relay has learnt from others. It asks nobody
 * on the internet; what is not known it calls not known.
 */
@Command(name = "doctor", description = "Say whether others can reach this relay, and by what.")
final class Doctor implements Callable<Integer> {
    private static final int TIMEOUT_MILLIS = 3_000;
    private static final long MEGABYTE = 1_000_000;
    private static final int MAX_ANSWER = 1024 * 1024;

    @Mixin
    private NodeOptions node = new NodeOptions();

    @Mixin
    private CacheOptions cache = new CacheOptions();

    private final PrintStream out;
    private int troubles;

    Doctor() {
        this(System.out);
    }

    Doctor(PrintStream out) {
        this.out = out;
    }

    @Override
    public Integer call() {
        state();
        disk();
        Optional<JsonNode> running = ask(new HostPort(ownAddress(), node.port()), "/relay.json");
        port(running);
        addresses();
        others(running);
        out.println(troubles == 0 ? "No trouble found." : troubles + " of these need you.");
        return troubles == 0 ? 0 : 1;
    }

    private String ownAddress() {
        return node.bind()
                .filter(address -> !address.isAnyLocalAddress())
                .map(InetAddress::getHostAddress)
                .orElse("127.0.0.1");
    }

    private void state() {
        Path data = node.data();
        if (!Files.exists(data)) {
            fine("state", data + " will be made at the first start");
        } else if (Files.isWritable(data)) {
            fine("state", data + " can be written");
        } else {
            trouble("state", data + " cannot be written: choose another with --data");
        }
    }

    private void disk() {
        Path existing = node.data().toAbsolutePath();
        while (!Files.exists(existing) && existing.getParent() != null) {
            existing = existing.getParent();
        }
        try {
            long room = Files.getFileStore(existing).getUsableSpace() + cached();
            ByteSize wanted = new ByteSize(cache.diskBytes());
            if (room < wanted.bytes()) {
                trouble(
                        "disk",
                        "room for " + room / MEGABYTE + " MB of --cache-disk " + wanted + ": less, or another --data");
            } else {
                fine("disk", "room for --cache-disk " + wanted);
            }
        } catch (IOException e) {
            trouble("disk", "cannot be looked at: " + e.getMessage());
        }
    }

    /** What the cache has of the disk already. */
    private long cached() throws IOException {
        Path directory = CacheOptions.directory(node);
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(Path::toFile).mapToLong(File::length).sum();
        }
    }

    private void port(Optional<JsonNode> running) {
        int port = node.port();
        if (running.isPresent()) {
            fine("port", port + " is used by a running relay, " + text(running.get(), "relay"));
            return;
        }
        try (ServerSocket tcp = new ServerSocket();
                DatagramSocket udp = new DatagramSocket(null)) {
            tcp.bind(new InetSocketAddress(port));
            udp.bind(new InetSocketAddress(port));
            fine("port", port + " is free, TCP and UDP; no relay runs on it");
        } catch (IOException e) {
            trouble("port", port + " is taken by another program: stop that, or choose another with --port");
        }
    }

    private void addresses() {
        List<InetAddress> own;
        try {
            own = NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                    .toList();
        } catch (IOException e) {
            trouble("network", "cannot be looked at: " + e.getMessage());
            return;
        }
        List<InetAddress> ipv4 =
                own.stream().filter(Inet4Address.class::isInstance).toList();
        List<InetAddress> ipv6 = own.stream()
                .filter(address -> !(address instanceof Inet4Address) && !isUniqueLocal(address))
                .toList();
        if (ipv4.isEmpty()) {
            fine("IPv4", "this machine has no address");
        } else if (ipv4.stream().allMatch(Doctor::isPrivate)) {
            note(
                    "IPv4",
                    "only private addresses (" + text(ipv4)
                            + "): a router stands between; let it forward TCP and UDP port " + node.port()
                            + " to this machine");
        } else {
            fine("IPv4", "an address of the internet (" + text(ipv4) + "); a firewall may still stand before it");
        }
        if (ipv6.isEmpty()) {
            fine("IPv6", "this machine has no address of the internet");
        } else {
            fine("IPv6", text(ipv6) + "; home routers mostly let nothing in: allow TCP and UDP port " + node.port());
        }
    }

    private void others(Optional<JsonNode> running) {
        if (running.isEmpty()) {
            note("others", "not known: start the relay, and ask again a minute later");
            return;
        }
        Optional<JsonNode> status = ask(node.admin(), "/status");
        if (status.isEmpty()) {
            note("others", "not known: the relay's --admin " + node.admin() + " does not answer");
            return;
        }
        note("router", text(status.get().path("notes"), RelayProgram.PORT_MAPPING));
        note("others", text(status.get().path("notes"), RelayProgram.REACHABLE));
        note("links", status.get().path("links").asInt() + " to other nodes");
        note("DHT", text(status.get().path("notes"), ProgramNode.DHT));
    }

    private static Optional<JsonNode> ask(HostPort host, String path) {
        try {
            URLConnection connection =
                    URI.create("http://" + host + path).toURL().openConnection();
            connection.setConnectTimeout(TIMEOUT_MILLIS);
            connection.setReadTimeout(TIMEOUT_MILLIS);
            try (InputStream in = connection.getInputStream()) {
                return Optional.of(new ObjectMapper().readTree(in.readNBytes(MAX_ANSWER)));
            }
        } catch (IOException e) {
            return Optional.empty(); // Nobody there, or nobody who speaks so.
        }
    }

    private static boolean isPrivate(InetAddress address) {
        byte[] raw = address.getAddress();
        boolean carrierGrade = (raw[0] & 0xff) == 100 && (raw[1] & 0xc0) == 64; // RFC 6598
        return address.isSiteLocalAddress() || carrierGrade;
    }

    private static boolean isUniqueLocal(InetAddress address) {
        return (address.getAddress()[0] & 0xfe) == 0xfc; // RFC 4193
    }

    private static String text(List<InetAddress> addresses) {
        return addresses.stream()
                .map(address -> address.getHostAddress().replaceAll("%.*", ""))
                .distinct()
                .collect(Collectors.joining(", "));
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).asText("not known");
    }

    private void fine(String what, String text) {
        out.printf("ok   %-8s %s%n", what, text);
    }

    private void note(String what, String text) {
        out.printf("     %-8s %s%n", what, text);
    }

    private void trouble(String what, String text) {
        troubles++;
        out.printf("!    %-8s %s%n", what, text);
    }
}
