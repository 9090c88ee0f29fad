package live.tributary.relay.bucket;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes chunks of one stream to its bucket where the origin asks for it.
 *
 * <p>An order counts when it names this relay, the stream's key signed it, its time is not over, and the chunk is here. Nobody
 * is told of the outcome: the origin looks into the bucket, and writes what is not there.
 */
public final class Courier implements StreamListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Courier.class);

    private static final int PUTS_AT_ONCE = 2;
    /** Orders that wait; an origin asks for a chunk of each rendition every few seconds. */
    private static final int MAX_WAITING = 8;
    /** An order may not be for longer than this: what is older than that is nobody's live stream. */
    private static final Duration LONGEST_ORDER = Duration.ofMinutes(15);
    /** What a signed put needs; other headers are not the bucket's business. */
    private static final Set<String> HEADERS =
            Set.of("authorization", "cache-control", "content-type", "x-amz-content-sha256", "x-amz-date");

    private final StreamKey stream;
    private final Function<ChunkId, Optional<ChunkRecord>> records;
    private final RelayKey own;
    private final ChunkBytes chunks;
    private final PinnedPut put;
    private final InstantSource clock;
    private final ThreadPoolExecutor threads;

    /**
     * @param records of the stream, as far as they are known
     * @param own this relay's key
     */
    public Courier(
            StreamKey stream,
            Function<ChunkId, Optional<ChunkRecord>> records,
            RelayKey own,
            ChunkBytes chunks,
            PinnedPut put,
            InstantSource clock) {
        this.stream = stream;
        this.records = records;
        this.own = own;
        this.chunks = chunks;
        this.put = put;
        this.clock = clock;
        AtomicInteger number = new AtomicInteger();
        this.threads = new ThreadPoolExecutor(
                PUTS_AT_ONCE, PUTS_AT_ONCE, 30, TimeUnit.SECONDS, new ArrayBlockingQueue<>(MAX_WAITING), task -> {
                    Thread thread = new Thread(task, "courier-" + number.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public void putAsked(LiveMessage.Put asked) {
        try {
            threads.execute(() -> carry(asked));
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: too many puts wait", asked.order().chunk());
        }
    }

    private void carry(LiveMessage.Put asked) {
        LiveMessage.Put.Order order = asked.order();
        Optional<ChunkRecord> record = records.apply(order.chunk()).filter(chunks::holds);
        String fault = fault(asked, record);
        if (!fault.isEmpty()) {
            LOG.debug("{} is not put into the bucket: {}", order.chunk(), fault);
            return;
        }
        try {
            int status = put.put(order.url(), order.headers(), record.orElseThrow(), chunks);
            LOG.debug("{} put into the bucket for the origin: {}", order.chunk(), status);
        } catch (IOException e) {
            LOG.debug("{} could not be put into the bucket: {}", order.chunk(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.warn("{} could not be put into the bucket", order.chunk(), e);
        }
    }

    private String fault(LiveMessage.Put asked, Optional<ChunkRecord> record) {
        LiveMessage.Put.Order order = asked.order();
        Instant now = clock.instant();
        if (!order.relay().equals(own)) {
            return "the order is another relay's";
        }
        if (order.until().isBefore(now) || order.until().isAfter(now.plus(LONGEST_ORDER))) {
            return "until: " + order.until() + " (expected: within " + LONGEST_ORDER + ")";
        }
        if (record.isEmpty()) {
            return "the chunk is not here";
        }
        boolean usual = order.headers().stream()
                .map(header -> header.substring(0, header.indexOf(':')).toLowerCase(Locale.ROOT))
                .allMatch(HEADERS::contains);
        if (!usual) {
            return "headers: " + order.headers().size() + " (expected: only " + HEADERS + ")";
        }
        return asked.verifies(stream) ? "" : "the stream's key did not sign the order";
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
