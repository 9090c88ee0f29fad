package live.tributary.origin.notify;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.timeout.IdleStateHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.admin.Meters;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One gateway to which a stream is pushed for as long as this is open: connected again and again, each time from where it stands. */
public final class GatewayPush implements StreamListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(GatewayPush.class);

    static final int MAX_FRAME = 64 * 1024;
    private static final int MAX_ANSWER = 8 * 1024;
    private static final Duration HANDSHAKE = Duration.ofSeconds(10);
    private static final Duration PING = Duration.ofSeconds(15);
    private static final Duration SILENCE = Duration.ofSeconds(40);
    private static final Duration RELAYS_EVERY = Duration.ofSeconds(10);
    /** In which the word that the stream has ended comes here from the stream's own loop, and leaves. */
    private static final Duration LAST_NEWS = Duration.ofMillis(200);

    private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
    /** A gateway that is back must be useful within 5 s of its start, which takes half of that. */
    private static final Duration LAST_RETRY = Duration.ofSeconds(2);
    /** For one that says no. */
    private static final Duration REFUSED_RETRY = Duration.ofSeconds(60);

    private final NotifyTarget target;
    private final SigningKey key;
    private final StreamView stream;
    private final Surroundings around;
    private final EventLoop loop;
    private final PushPlan plan;
    private Optional<PushConnection> connection = Optional.empty();
    private Optional<Channel> channel = Optional.empty();
    private Duration retry = FIRST_RETRY;
    private String trouble = "";
    private boolean closed;
    private volatile boolean proven;

    /**
     * What all pushes share.
     *
     * @param client dials
     * @param tls checks certificates and names
     * @param names looks host names up, which may block
     * @param uplink asks to send so many bytes; 0, or the nanoseconds to wait
     */
    public record Surroundings(
            EventLoopGroup loops,
            Bootstrap client,
            SslContext tls,
            Executor names,
            IntToLongFunction uplink,
            Meters meters,
            SecureRandom random) {}

    /** A stream and the key to prove that it may be pushed. */
    public record Pushed(SigningKey key, StreamView stream) {}

    public GatewayPush(NotifyTarget target, Pushed pushed, Surroundings around) {
        this.target = target;
        this.key = pushed.key();
        this.stream = pushed.stream();
        this.around = around;
        this.loop = around.loops().next();
        this.plan = new PushPlan(stream, chunk -> LiveMessage.Stored.sign(chunk, key));
    }

    public void start() {
        stream.addListener(this);
        loop.execute(this::connect);
        var unused = loop.scheduleWithFixedDelay(
                () -> changed(plan::relaysChanged),
                RELAYS_EVERY.toMillis(),
                RELAYS_EVERY.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Whether the gateway has proven itself and takes news now. */
    public boolean isProven() {
        return proven;
    }

    @Override
    public String toString() {
        return target + (proven ? " (pushed)" : " (not reached)");
    }

    // ---- connecting

    private void connect() {
        if (closed) {
            return;
        }
        try {
            around.names().execute(() -> {
                try {
                    InetAddress address = InetAddress.getByName(target.host());
                    onLoop(() -> dial(new InetSocketAddress(address, target.port())));
                } catch (UnknownHostException e) {
                    onLoop(() -> failed("its name is not known"));
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("no look-up after the stop");
        }
    }

    private void dial(InetSocketAddress address) {
        if (closed) {
            return;
        }
        PushConnection fresh = new PushConnection(this, target, key, stream.key(), around);
        around.client()
                .clone(loop)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel dialled) {
                        install(dialled.pipeline(), fresh);
                    }
                })
                .connect(address)
                .addListener(done -> {
                    if (!done.isSuccess()) {
                        onLoop(() -> failed("no connection: " + done.cause().getMessage()));
                    }
                });
    }

    private void install(ChannelPipeline pipeline, PushConnection handler) {
        channel = Optional.of(pipeline.channel());
        connection = Optional.of(handler);
        if (target.tls()) {
            pipeline.addLast(around.tls().newHandler(pipeline.channel().alloc(), target.host(), target.port()));
        }
        pipeline.addLast(
                new HttpClientCodec(),
                new HttpObjectAggregator(MAX_ANSWER),
                new WebSocketClientProtocolHandler(WebSocketClientProtocolConfig.newBuilder()
                        .webSocketUri(target.uri())
                        .version(WebSocketVersion.V13)
                        .customHeaders(new DefaultHttpHeaders())
                        .maxFramePayloadLength(MAX_FRAME)
                        .handshakeTimeoutMillis(HANDSHAKE.toMillis())
                        .build()),
                new WebSocketFrameAggregator(MAX_FRAME),
                new IdleStateHandler(SILENCE.toMillis(), PING.toMillis(), 0, TimeUnit.MILLISECONDS),
                handler);
    }

    // ---- what the connection tells, on the loop

    PushPlan plan() {
        return plan;
    }

    void proven() {
        proven = true;
        retry = FIRST_RETRY;
        trouble = "";
        log.info("the stream is pushed to {}", target);
    }

    /** The connection is over; there will be another. */
    void ended(PushConnection over, String why, boolean refused) {
        if (connection.filter(one -> one == over).isPresent()) {
            connection = Optional.empty();
            retry = refused ? REFUSED_RETRY : retry;
            failed(why);
        }
    }

    private void failed(String why) {
        proven = false;
        channel = Optional.empty();
        if (closed) {
            return;
        }
        if (!why.equals(trouble)) {
            trouble = why;
            log.warn("the stream is not pushed to {}: {}; trying again", target, why);
        }
        double jitter = 0.5 + around.random().nextDouble() / 2;
        long wait = (long) (retry.toMillis() * jitter);
        Duration longer = retry.multipliedBy(2);
        retry = longer.compareTo(LAST_RETRY) < 0 ? longer : LAST_RETRY;
        var unused = loop.schedule(this::connect, wait, TimeUnit.MILLISECONDS);
    }

    // ---- what the stream tells, on its own loop

    @Override
    public void recordAccepted(ChunkRecord record) {
        changed(() -> {});
    }

    @Override
    public void headChanged(SignedHead head) {
        changed(plan::headChanged);
    }

    @Override
    public void aboutChanged(About about) {
        changed(plan::aboutChanged);
    }

    @Override
    public void storedInBucket(ChunkId chunk) {
        changed(() -> {
            if (proven) {
                plan.storedInBucket(chunk); // Else it is looked up once the gateway is there.
            }
        });
    }

    @Override
    public void keyEnded(KeyEnd end) {
        changed(() -> plan.keyEnded(end));
    }

    private void changed(Runnable change) {
        onLoop(() -> {
            change.run();
            connection.ifPresent(PushConnection::pump);
        });
    }

    private void onLoop(Runnable task) {
        if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }

    @Override
    public void close() {
        if (!loop.isShuttingDown()) {
            loop.schedule(
                            () -> {
                                closed = true;
                                channel.ifPresent(Channel::close);
                            },
                            LAST_NEWS.toMillis(),
                            TimeUnit.MILLISECONDS)
                    .awaitUninterruptibly(1, TimeUnit.SECONDS);
            stream.removeListener(this);
        }
    }
}
