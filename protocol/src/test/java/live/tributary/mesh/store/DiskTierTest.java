package live.tributary.mesh.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.SampleStream.Chunk;
import live.tributary.mesh.net.Eventually;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTierTest {
    private static final int LENGTH = 100_000;
    private static final long PLENTY = 1_000 * LENGTH;

    @TempDir
    Path directory;

    private final SampleStream stream = new SampleStream(2, Instant.ofEpochSecond(1_800_000_000));

    @Test
    void servesFromDiskWhatLeftMemory() throws Exception {
        List<ChunkRecord> evicted = new ArrayList<>();
        List<Chunk> chunks = chunks(5);
        try (ChunkStore store = ChunkStore.withDisk(2 * LENGTH, directory, PLENTY)) {
            store.onEviction(evicted::add);
            for (Chunk chunk : chunks) {
                store.put(chunk.record(), chunk.buffer());
            }
            for (Chunk chunk : chunks) {
                assertThat(read(store, chunk.record())).isEqualTo(chunk.bytes());
            }
            assertThat(store.memoryBytes()).isEqualTo(2L * LENGTH);
            assertThat(evicted).isEmpty();
        }
    }

    @Test
    void whatOthersKeepGoesBeforeWhatIsOlder() throws Exception {
        List<Chunk> chunks = new ArrayList<>();
        Instant began = Instant.MAX;
        Instant newest = Instant.MIN;
        while (chunks.size() < 20 || newest.isBefore(began.plusSeconds(600))) {
            chunks.add(stream.next(100));
            newest = chunks.get(chunks.size() - 1).record().body().published();
            began = chunks.get(0).record().body().published();
        }
        long size = chunks.stream()
                .mapToLong(chunk -> ChunkFile.size(chunk.record()))
                .max()
                .orElseThrow();
        BlockingQueue<ChunkRecord> evicted = new LinkedBlockingQueue<>();
        try (ChunkStore store = ChunkStore.withDisk(100, directory, size * (chunks.size() - 1))) {
            store.keep(record -> record.seq() % 3 != 1);
            store.onEviction(evicted::add);
            for (Chunk chunk : chunks) {
                store.put(chunk.record(), chunk.buffer());
            }
            assertThat(evicted.poll(10, TimeUnit.SECONDS))
                    .isEqualTo(chunks.get(1).record());
            store.put(stream.next(100).record(), chunks.get(0).buffer());
            assertThat(evicted.poll(10, TimeUnit.SECONDS))
                    .isEqualTo(chunks.get(4).record());
        }
    }

    @Test
    void sendsWhatItWroteFromTheFile() throws Exception {
        Chunk chunk = chunks(1).get(0);
        try (ChunkStore store = ChunkStore.withDisk(PLENTY, directory, PLENTY)) {
            store.put(chunk.record(), chunk.buffer());
            Eventually.holds("it is sent from its file", () -> store.diskBytes() > 0 && sharesAFile(store, chunk));
        }
    }

    @Test
    void isOnDiskOnceItIsInAFileAndNoLongerThanThat() throws Exception {
        Chunk chunk = chunks(1).get(0);
        try (ChunkStore memory = ChunkStore.inMemory(PLENTY)) {
            memory.put(chunk.record(), chunk.buffer());
            assertThat(memory.isOnDisk(chunk.record())).isFalse();
        }
        try (ChunkStore store = ChunkStore.withDisk(PLENTY, directory, PLENTY)) {
            assertThat(store.isOnDisk(chunk.record())).isFalse();
            store.put(chunk.record(), chunk.buffer());
            Eventually.holds("it is in a file", () -> store.isOnDisk(chunk.record()));
            assertThat(ChunkFile.open(path(chunk)).bytes()).isEqualTo(chunk.bytes());
            store.discard(chunk.record());
            Eventually.holds("its file is gone", () -> !store.isOnDisk(chunk.record()));
        }
    }

    @Test
    void aFileHasItsNameOnceItIsWholeAndIsForcedUnderIt() throws Exception {
        Chunk chunk = chunks(1).get(0);
        List<Long> lengths = new ArrayList<>();

        ChunkFile file = ChunkFile.write(directory, chunk.record(), chunk.buffer());
        assertThat(names()).containsExactly(chunk.record().hash().hex() + ".chunk");
        file.force(whole -> lengths.add(whole.size()));

        assertThat(lengths).containsExactly(ChunkFile.size(chunk.record()));
        assertThat(ChunkFile.open(path(chunk)).bytes()).isEqualTo(chunk.bytes());
    }

    private static boolean sharesAFile(ChunkStore store, Chunk chunk) {
        StoredChunk fetched = fetch(store, chunk.record()).orElseThrow();
        assertThat(ByteBufUtil.getBytes(fetched.bytes())).isEqualTo(chunk.bytes());
        fetched.release();
        return fetched.file().isPresent();
    }

    @Test
    void fetchesFromDiskWhatLeftMemory() throws Exception {
        List<Chunk> chunks = chunks(5);
        fill(chunks);
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            restore(store, new ArrayList<>());
            for (Chunk chunk : chunks) {
                assertThat(sharesAFile(store, chunk)).isTrue();
            }
            assertThat(fetch(store, stream.next(LENGTH).record())).isEmpty();
        }
    }

    @Test
    void whatAReaderHasOutlivesItsFileAndTheStore() throws Exception {
        Chunk chunk = chunks(1).get(0);
        fill(List.of(chunk));
        StoredChunk fetched;
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            restore(store, new ArrayList<>());
            fetched = fetch(store, chunk.record()).orElseThrow();
            store.discard(chunk.record());
        }
        assertThat(names()).isEmpty();
        assertThat(ByteBufUtil.getBytes(fetched.bytes())).isEqualTo(chunk.bytes());
        fetched.release();
        assertThat(fetched.file().orElseThrow().refCnt()).isZero();
    }

    @Test
    void preparesWhatOnlyTheDiskHasAndWhatIsNotHereAtAll() throws Exception {
        List<Chunk> chunks = chunks(5);
        fill(chunks);
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            restore(store, new ArrayList<>());
            for (Chunk chunk : chunks) {
                assertThat(store.prepare(chunk.record()).get(10, TimeUnit.SECONDS))
                        .isTrue();
                assertThat(read(store, chunk.record())).isEqualTo(chunk.bytes());
            }
            assertThat(store.prepare(stream.next(LENGTH).record())).isCompletedWithValue(true);
        }
    }

    private static Optional<StoredChunk> fetch(ChunkStore store, ChunkRecord record) {
        return store.fetch(record).toCompletableFuture().join();
    }

    @Test
    void aNewRunFindsWhatTheLastOneHeld() throws Exception {
        List<Chunk> chunks = chunks(5);
        fill(chunks);
        Files.write(directory.resolve("0".repeat(64) + ".part"), new byte[10]);
        List<ChunkRecord> whole = new ArrayList<>();
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            Restored restored = restore(store, whole);
            assertThat(restored.chunks()).isEqualTo(5);
            assertThat(restored.damaged()).isZero();
            List<ChunkRecord> newestFirst =
                    new ArrayList<>(chunks.stream().map(Chunk::record).toList());
            Collections.reverse(newestFirst);
            assertThat(whole).isEqualTo(newestFirst);
            for (Chunk chunk : chunks) {
                assertThat(store.holds(chunk.record())).isTrue();
                assertThat(read(store, chunk.record())).isEqualTo(chunk.bytes());
            }
            assertThat(store.diskBytes())
                    .isEqualTo(chunks.stream()
                            .mapToLong(chunk -> ChunkFile.size(chunk.record()))
                            .sum());
        }
        assertThat(names()).noneMatch(name -> name.endsWith(".part"));
    }

    @Test
    void keepsTheNewestWhereTheCapIsLowerThanItWas() throws Exception {
        List<Chunk> chunks = chunks(5);
        fill(chunks);
        List<ChunkRecord> whole = new ArrayList<>();
        long cap = 2 * ChunkFile.size(chunks.get(4).record());
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, cap)) {
            assertThat(restore(store, whole)).isEqualTo(new Restored(2, 0, cap));
        }
        assertThat(whole).containsExactly(chunks.get(4).record(), chunks.get(3).record());
        assertThat(names()).hasSize(2);
    }

    @Test
    void setsAFileAsideThatHasOneFlippedBit() throws Exception {
        List<Chunk> chunks = chunks(3);
        fill(chunks);
        flip(chunks.get(0), ChunkFile.size(chunks.get(0).record()) - 1);
        flip(chunks.get(1), 40); // In the record.
        List<ChunkRecord> whole = new ArrayList<>();
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            assertThat(restore(store, whole).damaged()).isEqualTo(2);
            assertThat(whole).containsExactly(chunks.get(2).record());
            assertThat(store.holds(chunks.get(0).record())).isFalse();
        }
        assertThat(names()).filteredOn(name -> name.endsWith(".damaged")).hasSize(2);
    }

    @Test
    void setsAFileAsideThatIsOneByteShortOrLong() throws Exception {
        List<Chunk> chunks = chunks(2);
        fill(chunks);
        resize(chunks.get(0), ChunkFile.size(chunks.get(0).record()) - 1);
        resize(chunks.get(1), ChunkFile.size(chunks.get(1).record()) + 1);
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            assertThat(restore(store, new ArrayList<>())).isEqualTo(new Restored(0, 2, 0));
        }
    }

    @Test
    void keepsItsCapAndTellsWhatFellOutOfBothTiers() throws Exception {
        List<Chunk> chunks = chunks(4);
        long cap = 2 * ChunkFile.size(chunks.get(3).record());
        BlockingQueue<ChunkRecord> evicted = new LinkedBlockingQueue<>();
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, cap)) {
            store.onEviction(evicted::add);
            for (Chunk chunk : chunks) {
                store.put(chunk.record(), chunk.buffer());
            }
            assertThat(evicted.poll(10, TimeUnit.SECONDS))
                    .isEqualTo(chunks.get(0).record());
            assertThat(evicted.poll(10, TimeUnit.SECONDS))
                    .isEqualTo(chunks.get(1).record());
            assertThat(store.diskBytes()).isLessThanOrEqualTo(cap);
        }
        assertThat(names()).hasSize(2);
    }

    @Test
    void servesFromMemoryWhereTheDirectoryIsGone() throws Exception {
        Chunk chunk = chunks(1).get(0);
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory.resolve("cache"), PLENTY)) {
            Files.delete(directory.resolve("cache"));
            store.put(chunk.record(), chunk.buffer());
            assertThat(read(store, chunk.record())).isEqualTo(chunk.bytes());
        }
    }

    @Test
    void discardingTakesTheFileAway() throws Exception {
        List<Chunk> chunks = chunks(2);
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            for (Chunk chunk : chunks) {
                store.put(chunk.record(), chunk.buffer());
            }
            store.discard(chunks.get(0).record());
        }
        assertThat(names()).containsExactly(chunks.get(1).record().hash().hex() + ".chunk");
    }

    @Test
    void purgingTakesChunkFilesAndNothingElse() throws Exception {
        fill(chunks(2));
        Files.write(directory.resolve("0".repeat(64) + ".chunk.damaged"), new byte[1]);
        Files.write(directory.resolve("a-letter.txt"), new byte[1]);
        assertThat(ChunkStore.purge(directory)).isEqualTo(3);
        assertThat(names()).containsExactly("a-letter.txt");
        assertThat(ChunkStore.purge(directory.resolve("none"))).isZero();
    }

    private List<Chunk> chunks(int count) {
        return Stream.generate(() -> stream.next(LENGTH)).limit(count).toList();
    }

    private void fill(List<Chunk> chunks) throws IOException {
        try (ChunkStore store = ChunkStore.withDisk(LENGTH, directory, PLENTY)) {
            for (Chunk chunk : chunks) {
                store.put(chunk.record(), chunk.buffer());
            }
        }
    }

    private static Restored restore(ChunkStore store, List<ChunkRecord> whole) throws Exception {
        return store.restore(whole::add).toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private void flip(Chunk chunk, long at) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path(chunk).toFile(), "rw")) {
            file.seek(at);
            int old = file.read();
            file.seek(at);
            file.write(old ^ 1);
        }
    }

    private void resize(Chunk chunk, long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path(chunk).toFile(), "rw")) {
            file.setLength(length);
        }
    }

    private Path path(Chunk chunk) {
        return ChunkFile.path(directory, chunk.record().hash());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> paths = Files.list(directory)) {
            return paths.map(path -> path.getFileName().toString()).toList();
        }
    }

    private static byte[] read(ChunkStore store, ChunkRecord record) {
        ByteBuf slice = store.read(record, 0, record.length()).orElseThrow();
        try {
            return ByteBufUtil.getBytes(slice);
        } finally {
            slice.release();
        }
    }
}
