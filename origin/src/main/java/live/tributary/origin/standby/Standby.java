package live.tributary.origin.standby;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import live.tributary.mesh.StreamListener;
import live.tributary.origin.ingest.FeedIngest;
import live.tributary.origin.publish.AboutText;
import live.tributary.origin.publish.HigherTerm;
import live.tributary.origin.publish.StreamOrigin;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SignedHead;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of two origins with one key: follows the stream while the other publishes, leads in a new term when that goes quiet, and
 * stands down as soon as it sees a higher term than its own.
 *
 * <p>Everything happens on one thread.
 */
public final class Standby implements StreamListener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Standby.class);

    private static final Duration LOOK_EVERY = Duration.ofMillis(200);
    /** As far back as the feed's own chunks are looked for among the mesh's. */
    private static final int COMPARED = 64;

    private final OwnStream stream;
    private final Term terms;
    private final InstantSource wallClock;
    private final LongSupplier nanoTime;
    private final Duration lookAround;
    private final ReadyFeed feed;
    private final FeedIngest ingest;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread made = new Thread(task, "standby");
        made.setDaemon(true);
        return made;
    });
    private StandbyWatch watch;
    private Optional<Tenure> tenure = Optional.empty();
    private Optional<AboutText> words = Optional.empty();
    private StandbyWatch.Verdict said = StandbyWatch.Verdict.FOLLOW;
    private volatile Optional<StreamOrigin> leader = Optional.empty();
    private volatile String text = "standing by";

    /** Begins a term. */
    @FunctionalInterface
    public interface Term {
        /** @param known the mesh's newest records, to go on behind */
        Tenure begin(List<ChunkRecord> known, Optional<SignedHead> head) throws IOException;
    }

    /**
     * What runs during a term.
     *
     * @param parts closed when it ends, the last one first
     */
    public record Tenure(StreamOrigin origin, List<AutoCloseable> parts) {
        public Tenure {
            parts = List.copyOf(parts);
        }
    }

    /** @param lookAround how long to listen before believing that nobody publishes */
    public Standby(
            OwnStream stream,
            FeedIngest.Config config,
            Term terms,
            InstantSource wallClock,
            LongSupplier nanoTime,
            Duration lookAround) {
        this.stream = stream;
        this.terms = terms;
        this.wallClock = wallClock;
        this.nanoTime = nanoTime;
        this.feed = new ReadyFeed(wallClock);
        this.ingest = new FeedIngest(config, wallClock, feed);
        this.lookAround = lookAround;
        this.watch = new StandbyWatch(lookAround, nanoTime.getAsLong());
    }

    public void start() {
        log.info("standing by: this origin publishes once nobody else does");
        stream.addListener(this);
        ingest.start();
        thread.scheduleWithFixedDelay(this::look, LOOK_EVERY.toMillis(), LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Something may have changed: the feed is looked at now. */
    public void hint() {
        ingest.hint();
    }

    /** The stream has other words for itself. */
    public void describe(AboutText newest) {
        thread.execute(() -> {
            words = Optional.of(newest);
            tenure.ifPresent(running -> running.origin().describe(newest));
        });
    }

    /** Whether this origin leads, in a word. */
    public String text() {
        return text;
    }

    /** What is wrong with the feed; while this origin leads, also that it is silent. */
    public Optional<String> alarm() {
        return leader.map(StreamOrigin::alarm).orElseGet(feed::alarm);
    }

    public double silenceSeconds() {
        return leader.map(StreamOrigin::silenceSeconds).orElse(0.0);
    }

    public String feedText() {
        return feed.text();
    }

    // ---- heard from the mesh

    @Override
    public void recordAccepted(ChunkRecord record) {
        onThread(() -> {
            watch.heard(nanoTime.getAsLong());
            if (isAfter(origin -> HigherTerm.shows(record, origin.term(), wallClock.instant()))) {
                standDown(record.term());
            }
        });
    }

    @Override
    public void headChanged(SignedHead head) {
        onThread(() -> {
            if (isAfter(origin -> HigherTerm.shows(head.head(), origin.term(), wallClock.instant()))) {
                standDown(head.head().term());
            }
        });
    }

    private boolean isAfter(Predicate<StreamOrigin> shows) {
        return tenure.map(Tenure::origin).filter(shows).isPresent();
    }

    // ---- on the thread

    private void look() {
        try {
            if (tenure.isPresent()) {
                return;
            }
            List<ChunkRecord> known = OwnStream.newestOfEach(stream, COMPARED);
            Duration target = stream.about()
                    .map(About::body)
                    .map(About.Body::targetDuration)
                    .orElse(feed.target());
            int relays = (int) stream.relays().stream()
                    .filter(relay -> relay.linked() && relay.role() == NodeRole.RELAY)
                    .count();
            StandbyWatch.Verdict verdict = watch.verdict(target, feed.isReady(known), relays, nanoTime.getAsLong());
            if (verdict == StandbyWatch.Verdict.WAIT_FOR_RELAYS && said != verdict) {
                log.warn("nothing is heard of the stream, nor of any relay: this machine may be cut off; waiting");
            }
            said = verdict;
            if (verdict == StandbyWatch.Verdict.TAKE_OVER) {
                takeOver(known);
            }
        } catch (IOException e) {
            log.error("no taking over: the state cannot be written: {}", e.toString());
            goBack();
        } catch (RuntimeException e) {
            log.error("standing by goes on after a fault", e);
        }
    }

    private void takeOver(List<ChunkRecord> known) throws IOException {
        Optional<SignedHead> head = stream.head();
        stream.lead();
        Tenure begun = terms.begin(known, head);
        tenure = Optional.of(begun);
        StreamOrigin origin = begun.origin();
        words.ifPresent(origin::describe);
        log.warn(
                "taking over: {} in term {}",
                known.isEmpty() ? "nobody publishes" : "the other origin is quiet",
                origin.term());
        leader = Optional.of(origin);
        text = "leading, term " + origin.term();
        origin.start();
        feed.lead(origin, known);
    }

    private void standDown(long higher) {
        Tenure ended = tenure.orElseThrow();
        log.warn(
                "standing down: another origin publishes with this key in term {}, ours was {}",
                higher,
                ended.origin().term());
        feed.follow();
        ended.origin().standDown();
        end(ended);
        goBack();
        text = "stood down before term " + higher + ", standing by";
    }

    private void goBack() {
        tenure = Optional.empty();
        leader = Optional.empty();
        stream.follow();
        watch = new StandbyWatch(lookAround, nanoTime.getAsLong());
        watch.heard(nanoTime.getAsLong());
    }

    private static void end(Tenure ended) {
        for (int i = ended.parts().size() - 1; i >= 0; i--) {
            try {
                ended.parts().get(i).close();
            } catch (Exception e) {
                log.warn("closing {} failed", ended.parts().get(i).getClass().getSimpleName(), e);
            }
        }
    }

    private void onThread(Runnable task) {
        if (!thread.isShutdown()) {
            thread.execute(task);
        }
    }

    /** Ends the stream where this origin leads it. */
    @Override
    public void close() throws InterruptedException {
        stream.removeListener(this);
        ingest.close();
        thread.execute(() -> {
            tenure.ifPresent(running -> {
                running.origin().close();
                end(running);
            });
            tenure = Optional.empty();
        });
        thread.shutdown();
        if (!thread.awaitTermination(3, TimeUnit.SECONDS)) {
            thread.shutdownNow();
        }
    }
}
