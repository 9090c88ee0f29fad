package live.tributary.origin;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamPublisher;
import live.tributary.origin.ingest.FeedIngest;
import live.tributary.origin.publish.HigherTerm;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.SignedHead;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running broadcast: the feed is read and published until it is closed. */
final class Broadcast implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Broadcast.class);

    /** How long an origin that lost its state waits for the mesh to remember its records. */
    private static final Duration MEMORY_OF_THE_MESH = Duration.ofSeconds(10);
    /** How long it listens on when the first record has come. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private final StreamPublisher mesh;
    private final StreamOrigin origin;
    private final Feed feed;
    private final InstantSource wallClock;
    private final Recollection recollection;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private boolean reading;
    private volatile boolean begun;
    private volatile long higherTerm;
    private final FeedIngest ingest;

    /**
     * What is broadcast.
     *
     * @param lostState whether the stream is older than the state on disk: the mesh may remember what this machine forgot
     */
    record Feed(FeedIngest.Config config, boolean lostState) {}

    Broadcast(Feed feed, StreamOrigin origin, StreamPublisher mesh, InstantSource wallClock) {
        this.feed = feed;
        this.origin = origin;
        this.mesh = mesh;
        this.recollection = new Recollection();
        this.wallClock = wallClock;
        this.ingest = new FeedIngest(feed.config(), wallClock, origin);
    }

    /** Returns at once; what can take time happens on a thread. */
    void start() {
        mesh.view().addListener(recollection);
        if (!feed.lostState()) {
            read();
            return;
        }
        log.warn(
                "this key is older than the state on this disk; asking the mesh for up to {} s what it remembers",
                MEMORY_OF_THE_MESH.toSeconds());
        Thread thread = new Thread(this::remember, "broadcast-start");
        thread.setDaemon(true);
        thread.start();
    }

    private void remember() {
        try {
            boolean heard = recollection.first.await(MEMORY_OF_THE_MESH.toMillis(), TimeUnit.MILLISECONDS);
            if (stopped.await(heard ? LAST_WORDS.toMillis() : 0, TimeUnit.MILLISECONDS)) {
                return;
            }
            origin.adoptFromMesh();
            read();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            log.error("nothing is published: the state cannot be written", e);
        }
    }

    /** Something may have changed: the feed is looked at now. */
    void hint() {
        ingest.hint();
    }

    private synchronized void read() {
        if (stopped.getCount() > 0) {
            reading = true;
            begun = true;
            origin.start();
            ingest.start();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            stopped.countDown();
            if (reading) {
                ingest.close();
            }
        }
        mesh.view().removeListener(recollection);
        origin.close();
    }

    /** How the broadcast stands, in a word. */
    String text() {
        return higherTerm == 0 ? "leading, term " + origin.term() : "stood down before term " + higherTerm;
    }

    /** Another origin publishes in a higher term: this one says nothing more. */
    private synchronized void standDown(long term) {
        if (higherTerm > 0 || stopped.getCount() == 0) {
            return;
        }
        higherTerm = term;
        log.error(
                "standing down: another origin publishes with this key in term {}, ours was {} (--standby follows it)",
                term,
                origin.term());
        origin.standDown();
    }

    /** Hears records of this stream that others bring: this origin's own from before, or another's. */
    private final class Recollection implements StreamListener {
        private final CountDownLatch first = new CountDownLatch(1);

        @Override
        public void recordAccepted(ChunkRecord record) {
            first.countDown();
            if (begun && HigherTerm.shows(record, origin.term(), wallClock.instant())) {
                standDown(record.term());
            }
        }

        @Override
        public void headChanged(SignedHead head) {
            // Only once this origin has its own last term can another be told from its past.
            if (begun && HigherTerm.shows(head.head(), origin.term(), wallClock.instant())) {
                standDown(head.head().term());
            }
        }
    }
}
