package live.tributary.relay.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.SampleStream.Chunk;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayDescriptor.Region;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class RegionalCacheTest {
    private static final Instant BEGAN = Instant.ofEpochSecond(1_800_000_000);
    private static final Optional<Region> HERE = Optional.of(new Region(52, 5));
    private static final Optional<Region> NEAR = Optional.of(new Region(50, 8));
    private static final Optional<Region> FAR = Optional.of(new Region(-33, 151));
    private static final int CHUNKS = 60;

    private final SampleStream sample = new SampleStream(3, BEGAN);
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final RelayKey self = key(1);
    private final List<ChunkRecord> fetched = new ArrayList<>();
    private Instant now = BEGAN.plusSeconds(3600);
    private final RegionalCache cache =
            new RegionalCache(self, HERE, () -> List.of(stream), (key, record) -> fetched.add(record), () -> now);

    @Test
    void aloneEverythingIsOurs() {
        List<Chunk> chunks = accepted(relay(2, FAR));
        cache.look();
        assertThat(chunks).allMatch(chunk -> cache.isOurs(chunk.record()));
        assertThat(cache.lacking()).isEqualTo(CHUNKS);
    }

    @Test
    void inARegionEachChunkIsOursOrTwoOthers() {
        RelayView[] near = {relay(2, NEAR), relay(3, NEAR), relay(4, NEAR), relay(5, FAR)};
        List<Chunk> chunks = accepted(near);
        cache.look();
        List<RelayKey> region = List.of(self, near[0].key(), near[1].key(), near[2].key());
        for (Chunk chunk : chunks) {
            assertThat(cache.isOurs(chunk.record()))
                    .isEqualTo(RegionalShare.holders(chunk.record(), region).contains(self));
        }
        assertThat(cache.lacking()).isBetween(CHUNKS / 4L, CHUNKS * 3L / 4);
    }

    @Test
    void whatIsOursAndOldAndNotHereIsFetchedAFewAtATime() {
        List<Chunk> chunks = accepted(relay(2, FAR));
        chunks.subList(0, CHUNKS - 1).forEach(stream::complete);
        cache.look();
        assertThat(fetched).containsExactly(chunks.get(CHUNKS - 1).record());
        assertThat(cache.held()).isEqualTo(CHUNKS - 1);
        chunks.forEach(stream::evict);
        fetched.clear();
        cache.look();
        assertThat(fetched).hasSize(2);
    }

    @Test
    void theLiveEdgeIsNobodysShare() {
        accepted(relay(2, FAR));
        now = BEGAN.plusSeconds(60);
        cache.look();
        assertThat(cache.held() + cache.lacking()).isZero();
        assertThat(fetched).isEmpty();
    }

    @Test
    void whatNobodyShowsIsNotAskedFor() {
        stream.accept(sample.next(100));
        cache.look();
        assertThat(fetched).isEmpty();
        assertThat(cache.lacking()).isEqualTo(1);
    }

    @Test
    void viewersAreSentToTheRegionFirst() {
        RelayView far = relay(2, FAR);
        RelayView near = relay(3, NEAR);
        Chunk chunk = sample.next(100);
        Chunk other = sample.next(100);
        stream.accept(chunk);
        stream.accept(other);
        stream.heldBy(chunk, List.of(far, near));
        stream.heldBy(other, List.of(far));
        assertThat(cache.keepers(stream, chunk.record())).containsExactly(near, far);
        // It is to keep it, so it is asked after the one that has shown it.
        assertThat(cache.keepers(stream, other.record())).containsExactly(far, near);
        now = BEGAN.plusSeconds(60);
        assertThat(cache.keepers(stream, other.record())).containsExactly(far);
    }

    private List<Chunk> accepted(RelayView... holders) {
        List<Chunk> chunks = new ArrayList<>();
        for (int i = 0; i < CHUNKS; i++) {
            Chunk chunk = sample.next(100);
            stream.accept(chunk);
            stream.heldBy(chunk, List.of(holders));
            chunks.add(chunk);
        }
        return chunks;
    }

    private static RelayKey key(int seed) {
        return new SampleStream(seed, BEGAN).signingKey().relayKey();
    }

    private static RelayView relay(int seed, Optional<Region> region) {
        SigningKey key = new SampleStream(seed, BEGAN).signingKey();
        RelayDescriptor descriptor = Samples.descriptor(key, List.of(), region, BEGAN.plusSeconds(7200));
        return new RelayView(key.relayKey(), NodeRole.RELAY, List.of(), Optional.of(descriptor), true);
    }
}
