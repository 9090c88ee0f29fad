package live.tributary.mesh.tracker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A browser's WebSocket, by the JDK's client. */
final class BrowserClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE_SECONDS = 20;
    private static final int PING_EVERY_MILLIS = 500;

    private final BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<Integer> closed = new CompletableFuture<>();
    private final WebSocket socket;

    BrowserClient(URI tracker) {
        this.socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(tracker, new WebSocket.Listener() {
                    private final StringBuilder text = new StringBuilder();

                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
                        text.append(data);
                        if (last) {
                            messages.add(json(text.toString()));
                            text.setLength(0);
                        }
                        from.request(1);
                        return null;
                    }

                    @Override
                    public CompletionStage<?> onClose(WebSocket from, int status, String reason) {
                        closed.complete(status);
                        return null;
                    }

                    @Override
                    public void onError(WebSocket from, Throwable error) {
                        closed.complete(-1);
                    }
                })
                .join();
    }

    BrowserClient send(String text) {
        socket.sendText(text, true).join();
        return this;
    }

    JsonNode next() throws InterruptedException {
        JsonNode message = messages.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (message == null) {
            throw new AssertionError("no message within " + PATIENCE_SECONDS + " s");
        }
        return message;
    }

    /** Whether nothing else came before the answer to a question that is asked now. */
    boolean gotNothing() throws InterruptedException {
        send("{\"action\":\"scrape\"}");
        return next().path("action").asText().equals("scrape");
    }

    /** Whether the other end closes. The JDK's client may miss an end that comes while it reads; then a ping cannot be sent. */
    boolean isClosed() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (System.nanoTime() < deadline) {
            try {
                closed.get(PING_EVERY_MILLIS, TimeUnit.MILLISECONDS);
                return true;
            } catch (TimeoutException quiet) {
                if (socket.sendPing(ByteBuffer.allocate(0))
                        .handle((sent, failed) -> failed != null)
                        .get(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new AssertionError(text, e);
        }
    }

    @Override
    public void close() {
        socket.abort();
    }
}
