import bt.Bt;
import bt.data.file.FileSystemStorage;
import bt.runtime.BtRuntime;
import bt.runtime.Config;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import live.tributary.protocol.bencode.Bencode;
import live.tributary.protocol.bencode.BencodeDictionary;

/**
 * A viewer of the demo: shows the mesh joining and what to open, or does all that a viewer does and says whether it held.
 *
 * <p>It knows the gateway's address and the stream's id, like somebody who installed the add-on; the admin addresses are asked
 * for progress alone, and the relays' process ids to kill one.
 */
public final class ViewerCheck {
    private static final Duration JOINING = Duration.ofSeconds(60);
    private static final Duration WINDOW = Duration.ofSeconds(90);
    private static final Duration LONGER = Duration.ofSeconds(40);
    private static final Duration DOWNLOAD = Duration.ofSeconds(60);
    private static final Duration PLAYING = Duration.ofSeconds(20);
    private static final Duration KILL_AFTER = Duration.ofSeconds(6);
    private static final Duration STALL = Duration.ofMillis(500);
    private static final Duration RETRY = Duration.ofMillis(300);
    /** How often the add-on is asked anew: as a viewer who waits, never faster; each wait ends at a limit of its own. */
    private static final Duration ASKING_AGAIN = Duration.ofSeconds(1);
    private static final int TS_PACKET = 188;
    private static final byte TS_SYNC = 0x47;
    private static final int MAX_ANNOUNCE = 64 * 1024;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final ObjectMapper json = new ObjectMapper();
    private final List<Row> table = new ArrayList<>();
    private final Arguments given;
    private final URI gateway;
    private final String id;

    private ViewerCheck(Arguments given) {
        this.given = given;
        this.gateway = URI.create("http://" + given.gateway() + "/");
        this.id = "tributary:" + given.stream();
    }

    public static void main(String[] args) throws Exception {
        Arguments given = Arguments.of(args);
        ViewerCheck viewer = new ViewerCheck(given);
        boolean fine = given.check() ? viewer.check() : viewer.show();
        System.exit(fine ? 0 : 1);
    }

    /** A relay as the demo started it. */
    private record Relay(String tcp, String admin, long pid) {}

    private record Arguments(
            boolean check,
            String gateway,
            String stream,
            String originAdmin,
            String gatewayAdmin,
            List<Relay> relays,
            Path sample,
            Path work) {
        static Arguments of(String[] args) {
            Map<String, String> values = new LinkedHashMap<>();
            List<Relay> relays = new ArrayList<>();
            for (int i = 1; i + 1 < args.length; i += 2) {
                if (args[i].equals("--relay")) {
                    String[] parts = args[i + 1].split(",");
                    relays.add(new Relay(parts[0], parts[1], Long.parseLong(parts[2])));
                } else {
                    values.put(args[i], args[i + 1]);
                }
            }
            return new Arguments(
                    args[0].equals("check"),
                    values.get("--gateway"),
                    values.get("--stream"),
                    values.get("--origin-admin"),
                    values.get("--gateway-admin"),
                    relays,
                    Path.of(values.get("--sample")),
                    Path.of(values.get("--work")));
        }
    }

    private record Row(String what, String expected, String found, boolean held) {}

    // ---- showing ----

    private boolean show() throws Exception {
        boolean joined = join();
        System.out.println();
        System.out.println("Add-on (paste into Stremio):   " + gateway + "manifest.json");
        System.out.println("Viewer page:                   " + gateway + "watch/" + given.stream());
        System.out.println("Live playlist (VLC, hls.js):   " + gateway + "live/" + given.stream() + "/0/live.m3u8");
        System.out.println("Gateway's status:              http://" + given.gatewayAdmin() + "/");
        if (!joined) {
            return false;
        }
        System.out.println("Waiting for the first window to close (half a minute from the start) ...");
        Optional<JsonNode> window = awaitWindow();
        if (window.isEmpty()) {
            System.out.println("No window was offered within " + WINDOW.toSeconds() + " s.");
            return false;
        }
        System.out.println("Magnet (any BitTorrent client): " + magnet(window.get(), sources(window.get())));
        return true;
    }

    /** Tells each node's links as they come, until everybody is linked and the relays hold what the origin published. */
    private boolean join() throws Exception {
        long start = System.nanoTime();
        Map<String, String> nodes = new LinkedHashMap<>();
        nodes.put("origin", given.originAdmin());
        for (int i = 0; i < given.relays().size(); i++) {
            nodes.put("relay " + (i + 1), given.relays().get(i).admin());
        }
        nodes.put("gateway", given.gatewayAdmin());
        Map<String, String> told = new LinkedHashMap<>();
        while (System.nanoTime() - start < JOINING.toNanos()) {
            boolean all = true;
            for (Map.Entry<String, String> node : nodes.entrySet()) {
                JsonNode status = get(URI.create("http://" + node.getValue() + "/status"));
                int links = status.path("links").asInt();
                int held = held(status);
                boolean relay = node.getKey().startsWith("relay");
                boolean there = links > 0 && (!relay || held > 0);
                all &= there;
                String line = links
                        + (links == 1 ? " link" : " links")
                        + (relay ? ", " + (held > 0 ? "holds chunks" : "no chunk yet") : "");
                if (!line.equals(told.put(node.getKey(), line)) && links > 0) {
                    System.out.printf("%5.1f s  %-10s %s%n", seconds(start), node.getKey(), line);
                }
            }
            if (all) {
                table.add(new Row("joined by the DHT", "<= 60 s", String.format("%.1f s", seconds(start)), true));
                return true;
            }
            Thread.sleep(RETRY.toMillis());
        }
        table.add(new Row("joined by the DHT", "<= 60 s", "not all: " + told, false));
        System.out.println("Not everybody joined within " + JOINING.toSeconds() + " s: " + told);
        return false;
    }

    private static int held(JsonNode status) {
        int held = 0;
        for (JsonNode stream : status.path("streams")) {
            for (JsonNode rendition : stream.path("renditions")) {
                for (JsonNode chunk : rendition.path("chunks")) {
                    held += chunk.path("held").asBoolean() ? 1 : 0;
                }
            }
        }
        return held;
    }

    // ---- checking ----

    private boolean check() throws Exception {
        if (join()) {
            step("add-on", this::addOn);
            Optional<JsonNode> window = awaitWindow();
            row(
                    "stream offers a window",
                    "<= 90 s, infoHash, fileIdx",
                    window.isPresent() ? "offered" : "not offered",
                    window.isPresent());
            if (window.isPresent()) {
                step("window's sources", () -> trackers(window.get()));
                step("window's download", () -> download(longer(window.get())));
            }
            step("live playlist", this::play);
        }
        System.out.println();
        System.out.printf("%-34s %-34s %-44s %s%n", "what", "expected", "found", "held");
        table.forEach(row -> System.out.printf(
                "%-34s %-34s %-44s %s%n", row.what(), row.expected(), row.found(), row.held() ? "yes" : "NO"));
        return table.stream().allMatch(Row::held);
    }

    private interface Step {
        void run() throws Exception;
    }

    private void step(String what, Step step) throws InterruptedException {
        try {
            step.run();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            row(what, "an answer", e.toString(), false);
        }
    }

    private void row(String what, String expected, String found, boolean held) {
        table.add(new Row(what, expected, found, held));
        System.out.println((held ? "held:     " : "NOT HELD: ") + what + ": " + found);
    }

    /** Installs the add-on and goes where Stremio goes: manifest, catalog, meta, stream. */
    private void addOn() throws Exception {
        HttpResponse<String> answer = send(gateway.resolve("manifest.json"), HttpResponse.BodyHandlers.ofString());
        JsonNode manifest = json.readTree(answer.body());
        boolean cors = answer.headers()
                .firstValue("access-control-allow-origin")
                .filter("*"::equals)
                .isPresent();
        row(
                "manifest",
                "id, catalogs, CORS",
                manifest.path("id").asText("none") + (cors ? ", CORS" : ", no CORS"),
                cors
                        && manifest.hasNonNull("id")
                        && manifest.path("catalogs").size() > 0
                        && manifest.path("resources").size() > 0);
        JsonNode catalog = get(gateway.resolve("catalog/tv/live-streams.json"));
        boolean listed = false;
        for (JsonNode meta : catalog.path("metas")) {
            listed |= meta.path("id").asText().equals(id);
        }
        row("catalog", "lists the stream", listed ? "listed" : "not listed", listed);
        JsonNode meta = get(gateway.resolve("meta/tv/" + encoded(id) + ".json")).path("meta");
        row(
                "meta",
                "id and name",
                meta.path("name").asText("none"),
                meta.path("id").asText().equals(id) && meta.hasNonNull("name"));
        JsonNode live = streams()
                .filter(entry -> entry.path("url").asText().contains("/live/"))
                .findFirst()
                .orElse(json.nullNode());
        row(
                "stream",
                "the live playlist's URL",
                live.path("url")
                        .asText("none")
                        .replaceFirst("^http://[^/]*", "")
                        .replaceFirst("/[a-z2-7]{52}", "/…"),
                live.hasNonNull("url"));
    }

    private java.util.stream.Stream<JsonNode> streams() throws Exception {
        List<JsonNode> entries = new ArrayList<>();
        get(gateway.resolve("stream/tv/" + encoded(id) + ".json"))
                .path("streams")
                .forEach(entries::add);
        return entries.stream();
    }

    /** The entry with the newest closed window, as soon as there is one. */
    private Optional<JsonNode> awaitWindow() throws Exception {
        long start = System.nanoTime();
        while (System.nanoTime() - start < WINDOW.toNanos()) {
            Optional<JsonNode> window = streams()
                    .filter(entry -> entry.hasNonNull("infoHash")
                            && entry.path("fileIdx").isNumber())
                    .findFirst();
            if (window.isPresent()) {
                return window;
            }
            Thread.sleep(ASKING_AGAIN.toMillis());
        }
        return Optional.empty();
    }

    /** The first window may close a moment after the start and hold one chunk; the next one, half a minute later, holds many. */
    private JsonNode longer(JsonNode first) throws Exception {
        long start = System.nanoTime();
        JsonNode newest = first;
        while (newest.path("infoHash").equals(first.path("infoHash")) && System.nanoTime() - start < LONGER.toNanos()) {
            Thread.sleep(ASKING_AGAIN.toMillis());
            newest = awaitWindow().orElse(first);
        }
        return newest;
    }

    private static List<String> sources(JsonNode window) {
        List<String> trackers = new ArrayList<>();
        for (JsonNode source : window.path("sources")) {
            if (source.asText().startsWith("tracker:")) {
                trackers.add(source.asText().substring("tracker:".length()));
            }
        }
        return trackers;
    }

    private static String magnet(JsonNode window, List<String> trackers) {
        StringBuilder magnet = new StringBuilder(
                "magnet:?xt=urn:btih:" + window.path("infoHash").asText());
        trackers.forEach(tracker -> magnet.append("&tr=").append(encoded(tracker)));
        return magnet.toString();
    }

    /** Asks each HTTP tracker as a client does: it must name peers. */
    private void trackers(JsonNode window) throws Exception {
        byte[] infoHash = HexFormat.of().parseHex(window.path("infoHash").asText());
        List<String> trackers = sources(window);
        int asked = 0;
        int answered = 0;
        for (String tracker : trackers) {
            if (tracker.startsWith("http")) {
                asked++;
                URI announce = URI.create(
                        tracker + "?info_hash=" + escaped(infoHash)
                                + "&peer_id=-TC0001-demo12345678&port=6999&uploaded=0&downloaded=0&left=1&compact=1&event=started");
                BencodeDictionary answer = Bencode.decode(
                        send(announce, HttpResponse.BodyHandlers.ofByteArray()).body(), MAX_ANNOUNCE);
                answered += answer.has("peers") && answer.bytes("peers", MAX_ANNOUNCE).length > 0 ? 1 : 0;
            }
        }
        row(
                "window's sources",
                "trackers that name peers",
                trackers.size() + " trackers, " + answered + " of " + asked + " by HTTP named peers",
                !trackers.isEmpty() && answered == asked);
    }

    /** Downloads the window with bt-core's client, by nothing but its infohash and the trackers, and compares the bytes. */
    private void download(JsonNode window) throws Exception {
        Path folder = Files.createDirectories(given.work().resolve("download"));
        Config config = new Config();
        config.setAcceptorAddress(InetAddress.getByName("127.0.0.1"));
        config.setAcceptorPort(0);
        config.setMseDisabled(true);
        config.setMaxMessageProcessingInterval(Duration.ofMillis(5));
        config.setPeerDiscoveryInterval(Duration.ofMillis(500));
        config.setTrackerTimeout(Duration.ofSeconds(3));
        config.setNetworkBufferSize(128 * 1024);
        List<String> udp =
                sources(window).stream().filter(t -> t.startsWith("udp")).toList();
        BtRuntime runtime = BtRuntime.builder(config)
                .disableStandardExtensions()
                .disableAutomaticShutdown()
                .build();
        long start = System.nanoTime();
        try {
            Bt.client(runtime)
                    .storage(new FileSystemStorage(folder))
                    .magnet(magnet(window, udp))
                    .stopWhenDownloaded()
                    .build()
                    .startAsync()
                    .get(DOWNLOAD.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            row("window's download", "<= 60 s", "not done", false);
            return;
        } finally {
            runtime.shutdown();
        }
        double took = seconds(start);
        compare(folder, took);
    }

    /** Each chunk must be a segment of the sample, and they must follow one another as the sample's do. */
    private void compare(Path folder, double took) throws Exception {
        List<String> sample = new ArrayList<>();
        for (String line : Files.readAllLines(given.sample().resolve("stream.m3u8"))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                sample.add(sha256(Files.readAllBytes(given.sample().resolve(line.strip()))));
            }
        }
        TreeMap<Long, Path> chunks = new TreeMap<>();
        boolean playlist = false;
        long bytes = 0;
        try (var files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                if (name.matches("\\d+\\.(ts|mp4)")) {
                    chunks.put(Long.parseLong(name.substring(0, name.indexOf('.'))), file);
                    bytes += Files.size(file);
                }
                playlist |= name.equals("index.m3u8");
            }
        }
        int equal = 0;
        int before = -1;
        boolean inOrder = true;
        for (Path chunk : chunks.values()) {
            int at = sample.indexOf(sha256(Files.readAllBytes(chunk)));
            equal += at >= 0 ? 1 : 0;
            inOrder &= before < 0 || at == (before + 1) % sample.size();
            before = at;
        }
        row(
                "window's bytes",
                "the sample's segments, in order",
                String.format(
                        "%d of %d equal, %.1f MB in %.1f s%s",
                        equal, chunks.size(), bytes / 1e6, took, playlist ? "" : ", no index.m3u8"),
                !chunks.isEmpty() && equal == chunks.size() && inOrder && playlist);
    }

    // ---- playing ----

    /** One entry of a live playlist. */
    private record Entry(long sequence, double duration, URI uri) {}

    private record Playlist(List<Entry> entries, double target) {
        Optional<Entry> at(long sequence) {
            return entries.stream()
                    .filter(entry -> entry.sequence() == sequence)
                    .findFirst();
        }

        long last() {
            return entries.get(entries.size() - 1).sequence();
        }
    }

    private Playlist playlist(URI uri) throws Exception {
        List<Entry> entries = new ArrayList<>();
        long sequence = 0;
        double duration = 0;
        double target = 1;
        for (String line :
                send(uri, HttpResponse.BodyHandlers.ofString()).body().lines().toList()) {
            if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:")) {
                sequence = Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
            } else if (line.startsWith("#EXT-X-TARGETDURATION:")) {
                target =
                        Double.parseDouble(line.substring(line.indexOf(':') + 1).strip());
            } else if (line.startsWith("#EXTINF:")) {
                duration = Double.parseDouble(line.substring(8).split(",")[0]);
            } else if (!line.isBlank() && !line.startsWith("#")) {
                entries.add(new Entry(sequence++, duration, uri.resolve(line.strip())));
            }
        }
        if (entries.isEmpty()) {
            throw new IOException("an empty live playlist (expected: chunks)");
        }
        return new Playlist(entries, target);
    }

    /**
     * A player: starts three target durations behind the live edge, fetches what comes next, and its position runs on while there
     * is something buffered. A segment that fails is looked up again in the next playlist, as players do.
     */
    private void play() throws Exception {
        URI uri = streams()
                .map(entry -> entry.path("url").asText())
                .filter(url -> url.contains("/live/"))
                .map(URI::create)
                .findFirst()
                .orElseThrow(() -> new IOException("no live playlist was offered"));
        Optional<Process> ffmpeg = ffmpeg(uri);
        Playlist playlist = playlist(uri);
        int back = (int)
                Math.ceil(3 * playlist.target() / playlist.entries().get(0).duration());
        long next = playlist.entries()
                .get(Math.max(0, playlist.entries().size() - back))
                .sequence();
        long first = next;
        long start = System.nanoTime();
        long updated = start;
        double buffered = 0;
        boolean playing = false;
        double frozen = 0;
        double longest = 0;
        int failures = 0;
        int unsynchronised = 0;
        Optional<Relay> killed = Optional.empty();
        URI lastUri = uri;
        String gap = "";
        while (System.nanoTime() - start < PLAYING.toNanos()) {
            Optional<Entry> entry = playlist.at(next);
            if (entry.isEmpty() && next <= playlist.last()) {
                gap = String.format(
                        ", then %d was missing and %d..%d listed",
                        next, playlist.entries().get(0).sequence(), playlist.last());
                break;
            }
            boolean got = false;
            if (entry.isPresent()) {
                try {
                    byte[] segment = send(entry.get().uri(), HttpResponse.BodyHandlers.ofByteArray())
                            .body();
                    unsynchronised += synchronised(segment) ? 0 : 1;
                    lastUri = entry.get().uri();
                    got = true;
                } catch (IOException e) {
                    failures++;
                }
            }
            if (!got) {
                Thread.sleep(RETRY.toMillis());
            }
            long now = System.nanoTime();
            double passed = (now - updated) / 1e9;
            updated = now;
            if (playing) {
                buffered -= passed;
                if (buffered < 0) {
                    frozen -= buffered;
                    buffered = 0;
                    longest = Math.max(longest, frozen);
                }
            }
            if (got) {
                buffered += entry.orElseThrow().duration();
                frozen = 0;
                playing = true;
                next++;
            }
            if (killed.isEmpty() && now - start > KILL_AFTER.toNanos() && got) {
                killed = kill(lastUri);
            }
            if (!got || playlist.at(next).isEmpty()) {
                playlist = reload(uri, playlist);
            }
        }
        double expected = PLAYING.toMillis() / 1000.0;
        row(
                "live: chunks in sequence",
                "gapless, >= " + (int) (expected / 2 - 2),
                (next - first) + " chunks, " + failures + " failed tries" + gap,
                gap.isEmpty() && next - first >= expected / 2 - 2);
        row("live: longest stall", "<= 0.5 s", String.format("%.2f s", longest), longest <= STALL.toMillis() / 1000.0);
        row("live: TS packets", "all in sync", unsynchronised + " chunks out of sync", unsynchronised == 0);
        String whom = killed.map(relay -> "killed " + relay.tcp()).orElse("none was killed");
        row("live: a relay killed meanwhile", "the one that served last", whom, killed.isPresent());
        if (ffmpeg.isPresent()) {
            boolean ended = ffmpeg.get().waitFor(30, TimeUnit.SECONDS);
            row(
                    "live: ffmpeg",
                    "decodes it, exit 0",
                    ended ? "exit " + ffmpeg.get().exitValue() : "still running",
                    ended && ffmpeg.get().exitValue() == 0);
            ffmpeg.get().destroyForcibly();
        }
    }

    private Playlist reload(URI uri, Playlist last) {
        try {
            return playlist(uri);
        } catch (Exception e) {
            return last;
        }
    }

    /** Kills the relay that served last, or any where another served. */
    private Optional<Relay> kill(URI served) {
        String authority = served.getAuthority();
        Optional<Relay> relay =
                given.relays().stream().filter(r -> r.tcp().equals(authority)).findFirst();
        relay.flatMap(r -> ProcessHandle.of(r.pid())).ifPresent(ProcessHandle::destroyForcibly);
        return relay;
    }

    private Optional<Process> ffmpeg(URI uri) throws IOException {
        boolean there = false;
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
            there |= !folder.isEmpty() && Files.isExecutable(Path.of(folder, "ffmpeg"));
        }
        if (!there) {
            return Optional.empty();
        }
        return Optional.of(new ProcessBuilder(
                        "ffmpeg", "-nostdin", "-v", "error", "-i", uri.toString(), "-t", "16", "-f", "null", "-")
                .redirectErrorStream(true)
                .redirectOutput(given.work().resolve("ffmpeg.log").toFile())
                .start());
    }

    private static boolean synchronised(byte[] segment) {
        if (segment.length == 0 || segment.length % TS_PACKET != 0) {
            return false;
        }
        for (int at = 0; at < segment.length; at += TS_PACKET) {
            if (segment[at] != TS_SYNC) {
                return false;
            }
        }
        return true;
    }

    // ---- asking ----

    private JsonNode get(URI uri) throws Exception {
        return json.readTree(send(uri, HttpResponse.BodyHandlers.ofString()).body());
    }

    private <T> HttpResponse<T> send(URI uri, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        HttpResponse<T> answer = http.send(
                HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(5)).build(), handler);
        if (answer.statusCode() != 200) {
            throw new IOException(uri.getPath() + ": " + answer.statusCode() + " (expected: 200)");
        }
        return answer;
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String escaped(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(String.format("%%%02x", b));
        }
        return text.toString();
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
