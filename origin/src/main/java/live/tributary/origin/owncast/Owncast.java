package live.tributary.origin.owncast;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import live.tributary.origin.ingest.LimitedBody;
import live.tributary.origin.publish.AboutText;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Sha256;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks an Owncast now and then, and whenever its webhook calls, what its stream is called.
 *
 * <p>Webhooks are neither signed nor repeated, so {@code POST /owncast/<token>} only says: look now.
 */
public final class Owncast implements HttpService, AutoCloseable {
    /** The largest answer, bytes. */
    static final int MAX_ANSWER = 1024 * 1024;

    private static final Logger log = LoggerFactory.getLogger(Owncast.class);
    private static final Duration INTERVAL = Duration.ofSeconds(15);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final String HOOK = "/owncast/";
    private static final String LOGO = "logo";

    private final URI base;
    private final Optional<URI> viewers;
    private final String token;
    private final String name;
    private final Consumer<AboutText> words;
    private final Runnable look;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final Semaphore calls = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "owncast");
    private volatile boolean stopped;
    private String trouble = "";

    /**
     * @param base Owncast's own address
     * @param viewers its address on the open net, https, where its logo is the stream's poster
     * @param token the secret part of the webhook's path
     * @param name what the operator calls the stream
     * @param words hears what the stream says of itself
     * @param look asks for a look at the feed now
     */
    public Owncast(
            URI base, Optional<URI> viewers, String token, String name, Consumer<AboutText> words, Runnable look) {
        this.base = folder(base);
        this.viewers = viewers.or(() -> Optional.of(base))
                .filter(url -> "https".equalsIgnoreCase(url.getScheme()))
                .map(Owncast::folder);
        this.token = token;
        this.name = name;
        this.words = words;
        this.look = look;
    }

    private static URI folder(URI url) {
        return URI.create(url.toString().replaceAll("/+$", "") + "/");
    }

    public void start() {
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public boolean takesPosts() {
        return true;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        if (!query.method().equals("POST") || !query.rawPath().startsWith(HOOK)) {
            return Optional.empty();
        }
        byte[] given = query.rawPath().substring(HOOK.length()).getBytes(StandardCharsets.UTF_8);
        if (!MessageDigest.isEqual(given, token.getBytes(StandardCharsets.UTF_8))) {
            return Optional.of(CompletableFuture.completedStage(
                    HttpAnswer.text(HttpResponseStatus.NOT_FOUND.code(), "no such hook")));
        }
        if (calls.availablePermits() == 0) {
            calls.release();
        }
        look.run();
        return Optional.of(CompletableFuture.completedStage(HttpAnswer.text(HttpResponseStatus.OK.code(), "looking")));
    }

    private void run() {
        try {
            while (!stopped) {
                ask();
                if (calls.tryAcquire(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                    log.debug("called by the webhook");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void ask() {
        try {
            AboutText text = OwncastWords.read(name, get("api/config"), get("api/status"));
            words.accept(new AboutText(
                    text.name(), text.title(), text.description(), text.tags(), text.language(), poster()));
            trouble = "";
        } catch (IOException | FormatException | IllegalArgumentException e) { // Words that no about can hold, too.
            String what = String.valueOf(e.getMessage());
            if (!what.equals(trouble)) {
                log.warn("{} does not say what its stream is called: {}", base, what);
                trouble = what;
            }
        }
    }

    /** Owncast's logo, where viewers can see it; a stream without a picture is none the worse. */
    private Optional<About.Poster> poster() {
        if (viewers.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new About.Poster(viewers.get().resolve(LOGO), Sha256.ofContent(get(LOGO))));
        } catch (IOException e) {
            log.debug("no logo: {}", e.getMessage());
            return Optional.empty();
        }
    }

    private byte[] get(String path) throws IOException {
        URI location = base.resolve(path);
        HttpRequest request = HttpRequest.newBuilder(location).timeout(TIMEOUT).build();
        HttpResponse<byte[]> response = LimitedBody.exchange(client, request, MAX_ANSWER, TIMEOUT);
        if (response.statusCode() != HttpResponseStatus.OK.code()) {
            throw new IOException(location + ": " + response.statusCode() + " (expected: 200)");
        }
        return response.body();
    }

    @Override
    public void close() {
        stopped = true;
        thread.interrupt();
    }
}
