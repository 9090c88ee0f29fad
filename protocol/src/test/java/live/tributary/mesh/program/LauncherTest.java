package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

final class LauncherTest {
    private static final StreamKey STREAM = SigningKey.fromSeed(new byte[32]).streamKey();

    private final Map<String, String> environment = new HashMap<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Toy toy = new Toy();

    @TempDir
    Path dir;

    @Command(name = "relay", subcommands = Greet.class, description = "A toy.")
    private static final class Toy implements Program {
        @Mixin
        final NodeOptions node = new NodeOptions();

        @Option(names = "--stream", split = ",", description = "Streams.")
        List<StreamKey> streams = new ArrayList<>();

        @Option(names = "--history", defaultValue = "1h", description = "How long.")
        Duration history = Duration.ZERO;

        @Option(names = "--cache-disk", description = "How much.")
        Optional<ByteSize> cacheDisk = Optional.empty();

        @Option(names = "--count", defaultValue = "0", description = "How many.")
        int count;

        Body body = Lifecycle::stop;

        @Override
        public ProgramKind kind() {
            return ProgramKind.RELAY;
        }

        @Override
        public Ready start(Lifecycle life) throws Exception {
            body.start(life);
            return Ready.of(kind(), "abc").tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 7001));
        }
    }

    private interface Body {
        void start(Lifecycle life) throws Exception;
    }

    @Command(name = "greet", description = "Greets.")
    private static final class Greet implements Callable<Integer> {
        @Option(names = "--exit")
        int exit;

        @Mixin
        final NodeOptions node = new NodeOptions();

        @Override
        public Integer call() {
            return node.data().equals(Path.of("/here")) && node.dhtPrivate()
                    ? node.peers().size()
                    : exit;
        }
    }

    @BeforeEach
    void hasAnEmptyEnvironment() {
        environment.clear();
    }

    private int run(String... args) {
        PrintStream stdout = new PrintStream(out, true, StandardCharsets.UTF_8);
        PrintStream stderr = new PrintStream(err, true, StandardCharsets.UTF_8);
        return new Launcher(environment, stdout, stderr).run(toy, args, new Lifecycle());
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void hasTheDefaultsOfTheContract() {
        assertThat(run()).isZero();
        assertThat(toy.node.bind()).isEmpty();
        assertThat(toy.node.port()).isEqualTo(7001);
        assertThat(toy.node.data()).isEqualTo(Path.of(System.getProperty("user.home"), ".tributary", "relay"));
        assertThat(toy.node.dhtPort()).isEqualTo(7002);
        assertThat(toy.node.dhtBootstrap()).isEmpty();
        assertThat(toy.node.dhtPrivate()).isFalse();
        assertThat(toy.node.dht()).isTrue();
        assertThat(toy.node.peers()).isEmpty();
        assertThat(toy.node.maxUpload()).contains(new BitRate(10_000_000));
        assertThat(toy.node.admin()).isEqualTo(new HostPort("127.0.0.1", 7011));
        assertThat(toy.node.tls()).isEmpty();
        assertThat(toy.node.publicHost()).isEmpty();
        assertThat(toy.history).isEqualTo(Duration.ofHours(1));
        assertThat(toy.streams).isEmpty();
        assertThat(toy.cacheDisk).isEmpty();
    }

    @Test
    void takesEveryOptionFromFlags() {
        assertThat(run(
                        "--bind=127.0.0.1",
                        "--port",
                        "0",
                        "--data=/d",
                        "--dht-port=1",
                        "--dht-bootstrap=a:1,b:2",
                        "--dht-private",
                        "--no-dht",
                        "--peer=c:3",
                        "--peer=[::1]:4",
                        "--max-upload=1.5Mbit",
                        "--admin=h:5",
                        "--tls-cert=/c",
                        "--tls-key=/k",
                        "--public-host=example.org",
                        "--history=90s",
                        "--cache-disk=5GB",
                        "--stream=tributary:" + STREAM.text(),
                        "--stream=" + STREAM.hex()))
                .isZero();
        assertEverything();
        assertThat(toy.node.peers()).containsExactly(new HostPort("c", 3), new HostPort("::1", 4));
        assertThat(toy.streams).containsExactly(STREAM, STREAM);
    }

    @Test
    void takesEveryOptionFromTheEnvironment() {
        Map<String, String> values = everything();
        values.forEach((key, value) -> environment.put(ProgramKind.RELAY.environmentVariable(key), value));
        assertThat(environment).containsKey("TRIBUTARY_RELAY_MAX_UPLOAD");
        assertThat(run()).isZero();
        assertEverything();
    }

    @Test
    void takesEveryOptionFromTheFile() throws Exception {
        Properties properties = new Properties();
        properties.putAll(everything());
        Path file = dir.resolve("relay.properties");
        try (var writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
        assertThat(run("--config", file.toString())).isZero();
        assertEverything();
    }

    private static Map<String, String> everything() {
        return new HashMap<>(Map.ofEntries(
                Map.entry("bind", "127.0.0.1"),
                Map.entry("port", "0"),
                Map.entry("data", "/d"),
                Map.entry("dht-port", "1"),
                Map.entry("dht-bootstrap", "a:1,b:2"),
                Map.entry("dht-private", "true"),
                Map.entry("no-dht", "true"),
                Map.entry("peer", "c:3"),
                Map.entry("max-upload", "1.5Mbit"),
                Map.entry("admin", "h:5"),
                Map.entry("tls-cert", "/c"),
                Map.entry("tls-key", "/k"),
                Map.entry("public-host", "example.org"),
                Map.entry("history", "90s"),
                Map.entry("cache-disk", "5GB"),
                Map.entry("stream", STREAM.text() + ",https://gateway.example/watch/" + STREAM.text())));
    }

    private void assertEverything() {
        assertThat(toy.node.bind()).contains(InetAddress.getLoopbackAddress());
        assertThat(toy.node.port()).isZero();
        assertThat(toy.node.data()).isEqualTo(Path.of("/d"));
        assertThat(toy.node.dhtPort()).isEqualTo(1);
        assertThat(toy.node.dhtBootstrap()).containsExactly(new HostPort("a", 1), new HostPort("b", 2));
        assertThat(toy.node.dhtPrivate()).isTrue();
        assertThat(toy.node.dht()).isFalse();
        assertThat(toy.node.peers()).contains(new HostPort("c", 3));
        assertThat(toy.node.maxUpload()).contains(new BitRate(1_500_000));
        assertThat(toy.node.admin()).isEqualTo(new HostPort("h", 5));
        assertThat(toy.node.tls()).contains(new TlsFiles(Path.of("/c"), Path.of("/k")));
        assertThat(toy.node.publicHost()).contains("example.org");
        assertThat(toy.history).isEqualTo(Duration.ofSeconds(90));
        assertThat(toy.cacheDisk).contains(new ByteSize(5_000_000_000L));
        assertThat(toy.streams).containsExactly(STREAM, STREAM);
    }

    @Test
    void putsFlagsBeforeTheEnvironmentAndThatBeforeTheFile() throws Exception {
        Path file = Files.writeString(dir.resolve("f"), "port = 1\ndht-port = 1\nadmin = a:1\n");
        environment.put("TRIBUTARY_RELAY_CONFIG", file.toString());
        environment.put("TRIBUTARY_RELAY_PORT", "2");
        environment.put("TRIBUTARY_RELAY_DHT_PORT", "2");
        environment.put("TRIBUTARY_RELAY_DHT_PRIVATE", "true");
        assertThat(run("--port=3", "--dht-private")).isZero();
        assertThat(toy.node.port()).isEqualTo(3);
        assertThat(toy.node.dhtPort()).isEqualTo(2);
        assertThat(toy.node.admin()).isEqualTo(new HostPort("a", 1));
        assertThat(toy.node.dhtPrivate()).isTrue();
    }

    @Test
    void replacesAListOfTheEnvironmentByFlags() {
        environment.put("TRIBUTARY_RELAY_PEER", "a:1,b:2");
        assertThat(run("--peer=c:3")).isZero();
        assertThat(toy.node.peers()).containsExactly(new HostPort("c", 3));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--port=70000 | relay: --port: 70000 (expected: 0..65535)",
                "--port=x | relay: --port: x (expected: 0..65535)",
                "--max-upload=fast | relay: --max-upload: fast (expected: a rate such as 20Mbit or 500kbit)",
                "--max-upload=0Mbit | relay: --max-upload: 0Mbit (expected: a rate above 0)",
                "--cache-disk=5GiX | relay: --cache-disk: 5GiX (expected: a size such as 256MB or 5GB)",
                "--history=1y | relay: --history: 1y (expected: a duration such as 1h, 90s or 1h30m)",
                "--no-dht=yes | relay: --no-dht: yes (expected: true or false)",
                "--count=1e3 | relay: --count: 1e3 (expected: a whole number)",
                "--peer=host | relay: --peer: host (expected: host:port)",
                "--peer=::1:7 | relay: --peer: ::1:7 (expected: [address]:port for IPv6)",
                "--frobnicate | relay: --frobnicate: unknown (expected: what --help lists)",
                "frobnicate | relay: frobnicate: unknown (expected: what --help lists)",
            })
    void refusesWhatItCannotReadInOneLine(String argument, String line) {
        assertThat(run(argument)).isEqualTo(2);
        assertThat(err()).isEqualTo(line + "\n");
        assertThat(out()).isEmpty();
    }

    @Test
    void refusesAStreamThatIsNoKey() {
        assertThat(run("--stream=https://gateway.example/")).isEqualTo(2);
        assertThat(err())
                .startsWith("relay: --stream: https://gateway.example/ (expected: ")
                .hasLineCount(1);
    }

    @Test
    void refusesAnOptionWithoutItsValue() {
        assertThat(run("--port")).isEqualTo(2);
        assertThat(err()).startsWith("relay: ").contains("--port").hasLineCount(1);
    }

    @Test
    void namesTheVariableOrKeyThatABadValueCameFrom() throws Exception {
        environment.put("TRIBUTARY_RELAY_PORT", "x");
        assertThat(run()).isEqualTo(2);
        assertThat(err()).isEqualTo("relay: TRIBUTARY_RELAY_PORT: x (expected: 0..65535)\n");
        environment.clear();
        err.reset();
        assertThat(run("--config=" + Files.writeString(dir.resolve("f"), "port = y")))
                .isEqualTo(2);
        assertThat(err()).isEqualTo("relay: port: y (expected: 0..65535)\n");
    }

    @Test
    void refusesAnUnknownKeyOfTheFile() throws Exception {
        Path file = Files.writeString(dir.resolve("f"), "prot = 1");
        assertThat(run("--config", file.toString())).isEqualTo(2);
        assertThat(err()).isEqualTo("relay: " + file + ": prot (expected: a key that --print-config prints)\n");
    }

    @Test
    void refusesAFileThatIsNotThere() {
        assertThat(run("--config", dir.resolve("none").toString())).isEqualTo(2);
        assertThat(err()).startsWith("relay: --config: ").hasLineCount(1);
    }

    @Test
    void refusesACertificateWithoutItsKey() {
        toy.body = life -> toy.node.tls();
        assertThat(run("--tls-cert=/c")).isEqualTo(2);
        assertThat(err()).isEqualTo("relay: --tls-cert: alone (expected: --tls-cert and --tls-key together)\n");
    }

    @Test
    void printsAFileOfTheDefaultsThatItReadsAgain() throws Exception {
        assertThat(run("--print-config")).isZero();
        Properties printed = new Properties();
        printed.load(new StringReader(out()));
        assertThat(printed)
                .containsEntry("port", "7001")
                .containsEntry("history", "1h")
                .containsEntry("data", "~/.tributary/relay")
                .containsEntry("no-dht", "false")
                .doesNotContainKeys("config", "help", "bind", "stream");
        assertThat(out()).contains("# stream = ").doesNotContain("%n");
        Path file = Files.writeString(dir.resolve("f"), out());
        assertThat(run("--config", file.toString())).isZero();
        hasTheDefaultsOfTheContract();
    }

    @Test
    void printsHelpAndVersion() {
        assertThat(run("--help")).isZero();
        assertThat(out())
                .contains("--max-upload", "10Mbit", "--print-config", "greet", "--no-dht[=true|false]")
                .doesNotContain("Optional", "<");
        assertThat(out().lastIndexOf("--bind")).isLessThan(out().lastIndexOf("--admin"));
        out.reset();
        assertThat(run("--version")).isZero();
        assertThat(out()).startsWith("tributary relay ").hasLineCount(1);
    }

    @Test
    void callsASubcommandForItsExitCode() {
        assertThat(run("greet", "--exit=3")).isEqualTo(3);
        assertThat(out()).isEmpty();
        assertThat(run("greet", "--help")).isZero();
        assertThat(out()).contains("--exit");
    }

    @Test
    void givesACommandWhatStandsBeforeItsName() throws Exception {
        assertThat(run("--data=/here", "--dht-private", "--peer=a:1", "--peer=b:2,c:3", "greet", "--exit=9"))
                .isEqualTo(3);
        assertThat(run("--data=/here", "greet", "--data=/there", "--dht-private", "--exit=9"))
                .isEqualTo(9);
        environment.put("TRIBUTARY_RELAY_DATA", "/there");
        assertThat(run("--data", "/here", "--dht-private", "greet", "--exit=9")).isZero();
    }

    @Test
    void givesACommandTheFileOfTheProgram() throws Exception {
        String file = Files.writeString(dir.resolve("f"), "data = /here\ndht-private = true\nstream = " + STREAM.text())
                .toString();
        assertThat(run("greet", "--exit=9", "--config", file)).isZero();
        assertThat(run("--config=" + file, "greet", "--exit=9")).isZero();
    }

    @Test
    void takesAnEmptyVariableForNone() {
        environment.put("TRIBUTARY_RELAY_STREAM", "");
        environment.put("TRIBUTARY_RELAY_MAX_UPLOAD", "");
        environment.put("TRIBUTARY_RELAY_CONFIG", "");
        assertThat(run()).isZero();
        assertThat(toy.streams).isEmpty();
        assertThat(toy.node.maxUpload()).contains(new BitRate(10_000_000));
    }

    @Test
    void saysReadyOnceStarted() {
        assertThat(run()).isZero();
        assertThat(out()).isEqualTo("READY {\"role\":\"relay\",\"id\":\"abc\",\"tcp\":\"127.0.0.1:7001\"}\n");
    }

    @Test
    void closesWhatItStartedInReverse() {
        List<String> closed = new ArrayList<>();
        toy.body = life -> {
            life.add(() -> closed.add("first"));
            life.add(() -> closed.add("second"));
            life.stop();
        };
        assertThat(run()).isZero();
        assertThat(closed).containsExactly("second", "first");
    }

    @Test
    void closesTheRestWhereOnePartCannotBeClosed() {
        List<String> closed = new ArrayList<>();
        toy.body = life -> {
            life.add(() -> closed.add("first"));
            life.add(() -> {
                throw new IllegalStateException("stuck");
            });
            life.stop();
        };
        assertThat(run()).isZero();
        assertThat(closed).containsExactly("first");
    }

    @Test
    void endsWithOneWhenAPartFails() {
        List<String> closed = new ArrayList<>();
        toy.body = life -> {
            life.add(() -> closed.add("part"));
            life.fail("the part broke", new IllegalStateException());
        };
        assertThat(run()).isEqualTo(1);
        assertThat(closed).containsExactly("part");
    }

    @Test
    void saysInOneLineThatItCannotListen() {
        toy.body = life -> {
            throw new BindException("TCP port 7001 of 127.0.0.1: in use");
        };
        assertThat(run()).isEqualTo(1);
        assertThat(err())
                .isEqualTo("relay: cannot listen: TCP port 7001 of 127.0.0.1: in use"
                        + " (expected: a free port, an address of this machine)\n");
    }

    @Test
    void closesWhatWasStartedWhenTheRestCannotBe() {
        List<String> closed = new ArrayList<>();
        toy.body = life -> {
            life.add(() -> closed.add("part"));
            throw new IllegalStateException("no luck");
        };
        assertThat(run()).isEqualTo(1);
        assertThat(closed).containsExactly("part");
        assertThat(out()).isEmpty();
    }
}
