package live.tributary.relay.edge;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.mesh.store.StoredChunk;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.stream.ChunkRecord;

/** Answers for a chunk: its bytes, at once or as soon as they are here; else the way to somebody who has them. */
public final class ChunkAnswers {
    /** How long a client waits for a chunk that is on its way; players give a fragment ten seconds to begin. */
    static final Duration PATIENCE = Duration.ofSeconds(4);
    /** A chunk published longer ago than this is on its way no more. */
    static final Duration FRESH = Duration.ofSeconds(15);

    /** Who asks for a chunk that is older than this watches what is over. */
    private static final Duration LIVE = Duration.ofSeconds(60);

    private static final int ETAG_LENGTH = 16;

    private final ChunkBytes bytes;
    private final Arrivals arrivals;
    private final ScheduledExecutorService timer;
    private final Keepers keepers;
    private final InstantSource clock;

    /** @param keepers who is asked for what is not here */
    public ChunkAnswers(
            ChunkBytes bytes, Arrivals arrivals, ScheduledExecutorService timer, Keepers keepers, InstantSource clock) {
        this.bytes = bytes;
        this.arrivals = arrivals;
        this.timer = timer;
        this.keepers = keepers;
        this.clock = clock;
    }

    boolean isOnItsWay(ChunkRecord record, Instant now) {
        return record.body().published().plus(FRESH).isAfter(now);
    }

    CompletionStage<HttpAnswer> answer(StreamView stream, ChunkRecord record, HttpQuery query) {
        if (bytes.holds(record)) {
            return held(stream, record, query);
        }
        if (!isOnItsWay(record, clock.instant())) {
            return CompletableFuture.completedStage(elsewhere(stream, record, query));
        }
        CompletableFuture<Void> arrival = arrivals.of(record);
        if (bytes.holds(record)) { // It came between the two questions.
            arrivals.end(record, arrival);
        }
        ScheduledFuture<?> late =
                timer.schedule(() -> arrivals.end(record, arrival), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        return arrival.thenCompose(here -> {
            late.cancel(false);
            return held(stream, record, query);
        });
    }

    private CompletionStage<HttpAnswer> held(StreamView stream, ChunkRecord record, HttpQuery query) {
        return bytes.fetch(record)
                .thenApply(chunk -> chunk.map(whole -> answer(record, whole, isOlder(record)))
                        .orElseGet(() -> elsewhere(stream, record, query)));
    }

    /** Whether nobody at the live edge waits for it. */
    private boolean isOlder(ChunkRecord record) {
        return !record.body().published().plus(LIVE).isAfter(clock.instant());
    }

    private static HttpAnswer answer(ChunkRecord record, StoredChunk chunk, boolean older) {
        return new HttpAnswer(
                200,
                Map.of(
                        "content-type",
                        record.body().container().mediaType(),
                        "cache-control",
                        LivePlaylist.CHUNK_CACHE_CONTROL,
                        "accept-ranges",
                        "bytes",
                        "etag",
                        '"' + record.body().sha256().hex().substring(0, ETAG_LENGTH) + '"'),
                chunk.bytes(),
                chunk.file(),
                older);
    }

    private HttpAnswer elsewhere(StreamView stream, ChunkRecord record, HttpQuery query) {
        return OtherPlaces.of(stream, record, query, keepers)
                .map(HttpAnswer::redirect)
                .orElseGet(() -> HttpAnswer.text(404, "not held here, and by nobody that is known here"));
    }
}
