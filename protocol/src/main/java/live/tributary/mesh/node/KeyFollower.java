package live.tributary.mesh.node;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Follows carried streams to the keys that take over from them, and remembers which keys have ended. */
public final class KeyFollower implements StreamListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyFollower.class);

    private final KeyEnds ends;
    private final MeshNode mesh;
    private final Consumer<KeyEnd> successor;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(new DefaultThreadFactory("key-ends", true));

    /** @param successor told of each rotation of a stream that is followed, on a thread of its own */
    public KeyFollower(KeyEnds ends, MeshNode mesh, Consumer<KeyEnd> successor) {
        this.ends = ends;
        this.mesh = mesh;
        this.successor = successor;
    }

    /** Listens to a stream from now on; tells it what is remembered of its key. */
    public void follow(StreamView stream) {
        StreamKey key = stream.key();
        stream.addListener(this);
        ends.of(key).ifPresent(end -> mesh.intake(key).ifPresent(intake -> intake.take(end)));
    }

    @Override
    public void keyEnded(KeyEnd end) {
        if (thread.isShutdown()) {
            return;
        }
        thread.execute(() -> {
            try {
                ends.add(end);
            } catch (IOException e) {
                LOG.error("{}: this cannot be kept on disk: {}", end, e.toString());
            }
            if (!end.isRevocation()) {
                successor.accept(end);
            }
        });
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
