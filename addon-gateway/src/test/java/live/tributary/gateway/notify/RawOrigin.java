package live.tributary.gateway.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.notify.NotifyCodec;
import live.tributary.protocol.notify.NotifyMessage;
import live.tributary.protocol.notify.NotifyProof;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;

/** The origin's end of {@code /notify}, which says what a test wants it to say. */
final class RawOrigin implements WebSocket.Listener {
    private static final long BOUND_SECONDS = 40;

    final CompletableFuture<Void> closed = new CompletableFuture<>();
    private final BlockingQueue<NotifyMessage> heard = new LinkedBlockingQueue<>();
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
    private final byte[] nonce = new byte[NotifyMessage.NONCE_LENGTH];
    private final WebSocket socket;

    RawOrigin(HttpClient client, int port) {
        socket = client.newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + port + "/notify"), this)
                .join();
    }

    @Override
    public synchronized CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        partial.writeBytes(bytes);
        if (last) {
            try {
                heard.add(NotifyCodec.decode(partial.toByteArray()));
            } catch (FormatException e) {
                throw new AssertionError(e);
            }
            partial.reset();
        }
        webSocket.request(1);
        return CompletableFuture.completedStage(null);
    }

    @Override
    public CompletionStage<?> onClose(WebSocket webSocket, int status, String reason) {
        closed.complete(null);
        return CompletableFuture.completedStage(null);
    }

    @Override
    public void onError(WebSocket webSocket, Throwable error) {
        closed.complete(null);
    }

    NotifyMessage hears() throws InterruptedException {
        NotifyMessage message = heard.poll(BOUND_SECONDS, TimeUnit.SECONDS);
        assertThat(message).as("an answer").isNotNull();
        return message;
    }

    String isRefused() throws Exception {
        NotifyMessage answer = hears();
        assertThat(answer).isInstanceOf(NotifyMessage.Refused.class);
        closed.get(BOUND_SECONDS, TimeUnit.SECONDS);
        return ((NotifyMessage.Refused) answer).reason();
    }

    void says(byte[] message) {
        socket.sendBinary(ByteBuffer.wrap(message), true).join();
    }

    /** Says what ends the connection, maybe before the last of it has left. */
    void saysTooMuch(byte[] message) {
        socket.sendBinary(ByteBuffer.wrap(message), true);
    }

    void says(NotifyMessage message) {
        says(NotifyCodec.encode(message));
    }

    void tells(LiveMessage news) {
        says(new NotifyMessage.News(news));
    }

    /** Opens, and returns what the gateway wants to have signed. */
    NotifyProof opens(StreamKey stream) throws InterruptedException {
        says(new NotifyMessage.Open(stream, nonce));
        NotifyMessage answer = hears();
        assertThat(answer).isInstanceOf(NotifyMessage.Challenge.class);
        NotifyMessage.Challenge challenge = (NotifyMessage.Challenge) answer;
        NotifyProof proof = new NotifyProof(stream, challenge.gateway(), nonce, challenge.nonce());
        assertThat(proof.isByGateway(challenge.signature())).isTrue();
        return proof;
    }

    /** Opens and proves itself; returns what the gateway has. */
    NotifyMessage.Have proves(SigningKey key) throws InterruptedException {
        NotifyProof proof = opens(key.streamKey());
        says(new NotifyMessage.Proof(proof.signByOrigin(key)));
        NotifyMessage answer = hears();
        assertThat(answer).isInstanceOf(NotifyMessage.Have.class);
        return (NotifyMessage.Have) answer;
    }

    void closes() throws Exception {
        socket.abort();
    }
}
