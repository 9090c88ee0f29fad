package live.tributary.mesh.node;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Follows carried streams to the keys that take over from them, and remembers which keys have ended and how far the others have come. */
public final class KeyFollower implements StreamListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyFollower.class);

    private static final Duration KEPT_WITHIN = Duration.ofSeconds(2);

    private final StreamMemory memory;
    private final MeshNode mesh;
    private final Consumer<KeyEnd> successor;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(new DefaultThreadFactory("stream-memory", true));

    /** Whether heads cannot be kept; only on the thread. */
    private boolean failing;

    /** @param successor told of each rotation of a stream that is followed, on a thread of its own */
    public KeyFollower(StreamMemory memory, MeshNode mesh, Consumer<KeyEnd> successor) {
        this.memory = memory;
        this.mesh = mesh;
        this.successor = successor;
    }

    /** Listens to a stream from now on; tells it what is remembered of it. */
    public void follow(StreamView stream) {
        StreamKey key = stream.key();
        stream.addListener(this);
        mesh.intake(key).ifPresent(intake -> {
            memory.heads().of(key).ifPresent(intake::take); // One that has expired keeps older ones out all the same.
            memory.ends().of(key).ifPresent(intake::take);
        });
    }

    @Override
    public void headChanged(SignedHead head) {
        later(() -> {
            try {
                memory.heads().add(head);
                failing = false;
            } catch (IOException e) {
                if (!failing) {
                    failing = true; // One comes each minute.
                    LOG.error("{}: this cannot be kept on disk: {}", head, e.toString());
                }
            }
        });
    }

    @Override
    public void keyEnded(KeyEnd end) {
        later(() -> {
            try {
                memory.ends().add(end);
            } catch (IOException e) {
                LOG.error(
                        "{}: this cannot be kept on disk, and would be forgotten with the next start: {}",
                        end,
                        e.toString());
            }
            if (!end.isRevocation()) {
                successor.accept(end);
            }
        });
    }

    private void later(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("heard while stopping: it is told again after the next start");
        }
    }

    /** What was heard is still kept: a key may have ended just now. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(KEPT_WITHIN.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("what was heard of keys last is not on disk after {} s", KEPT_WITHIN.toSeconds());
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
