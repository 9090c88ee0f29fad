package live.tributary.gateway.live;

import java.util.List;
import java.util.Optional;
import live.tributary.gateway.ranking.Holding;
import live.tributary.gateway.ranking.RankedRelay;
import live.tributary.gateway.ranking.Ranking;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;

/** Where one viewer gets the chunks of one stream: at his best relay that holds it, else from the bucket. */
public final class ChunkSources {
    private static final int HASH_IN_NAME = 8;

    private final StreamView stream;
    private final Ranking ranking;
    private final Holders known;

    public ChunkSources(StreamView stream, Ranking ranking, Holders known) {
        this.stream = stream;
        this.ranking = ranking;
        this.known = known;
    }

    /**
     * Where one chunk is to be had.
     *
     * @param relay empty where it is the bucket's
     */
    record Source(Optional<RelayKey> relay, String url) {}

    /** Empty where nobody whom this viewer can reach has the chunk. */
    Optional<Source> source(ChunkRecord record) {
        return ranking.first(holders(record))
                .map(relay -> new Source(Optional.of(relay.key()), relay.chunkUrl(record)))
                .or(() -> bucketUrl(record).map(url -> new Source(Optional.empty(), url)));
    }

    public Optional<String> url(ChunkRecord record) {
        return source(record).map(Source::url);
    }

    /** Whether a chunk is still where it was. */
    boolean holds(Source source, ChunkRecord record) {
        return source.relay
                .map(relay -> ranking.takes(relay) && holders(record).keys().contains(relay))
                .orElseGet(() -> bucketUrl(record).filter(source.url::equals).isPresent());
    }

    /** Whether {@link #url} has one. */
    public boolean any(ChunkRecord record) {
        return ranking.any(holders(record)) || bucketUrl(record).isPresent();
    }

    /** The chunk's name in the bucket, once the origin has signed that it is there. */
    Optional<String> bucketUrl(ChunkRecord record) {
        return stream.head()
                .map(SignedHead::head)
                .filter(head -> stream.storedInBucket(record.chunk()))
                .flatMap(head -> baseOf(record.term(), head))
                .map(base -> base + "/" + record.rendition() + "/" + record.seq() + "-"
                        + record.body().sha256().hex().substring(0, HASH_IN_NAME) + "."
                        + record.body().container().extension());
    }

    /** The bucket's base, without a slash at the end, where there is one that the viewer may be sent to. */
    Optional<String> bucket() {
        return stream.head().map(SignedHead::head).flatMap(this::bucket);
    }

    private Optional<String> bucket(Head head) {
        return head.fallback().filter(ranking::takes).map(url -> url.toString().replaceAll("/+$", ""));
    }

    /** A term's part of the bucket: a head names that of its own, which ends in the term; those before stand beside it. */
    private Optional<String> baseOf(long term, Head head) {
        Optional<String> base = bucket(head);
        if (term == head.term()) {
            return base;
        }
        String ending = "/" + head.term();
        return base.filter(url -> url.endsWith(ending))
                .map(url -> url.substring(0, url.length() - ending.length()) + "/" + term);
    }

    /** Whether enough relays hold a chunk for a client that cannot turn elsewhere. */
    public boolean enough(ChunkRecord record) {
        return ranking.enough(holders(record));
    }

    /** The best relays that hold a chunk. */
    public List<RankedRelay> relays(ChunkRecord record, int max) {
        return ranking.pick(max, holders(record));
    }

    private Holding holders(ChunkRecord record) {
        return known.of(stream, record);
    }
}
