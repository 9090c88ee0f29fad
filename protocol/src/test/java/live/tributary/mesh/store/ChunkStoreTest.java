package live.tributary.mesh.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.SampleStream.Chunk;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ChunkStoreTest {
    private static final int LENGTH = 100_000;

    private final SampleStream stream = new SampleStream(1, Instant.ofEpochSecond(1_800_000_000));
    private final ChunkStore store = ChunkStore.inMemory(3 * LENGTH);
    private final List<ChunkRecord> evicted = new ArrayList<>();

    ChunkStoreTest() {
        store.onEviction(evicted::add);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void readsBackWhatWasWrittenInBlocks() {
        Chunk chunk = stream.next(LENGTH);
        assertThat(store.open(chunk.record())).isTrue();
        for (int at = 0; at < LENGTH; at += 16_384) {
            int end = Math.min(LENGTH, at + 16_384);
            assertThat(store.write(chunk.record(), at, Unpooled.wrappedBuffer(chunk.bytes(), at, end - at)))
                    .isTrue();
        }
        assertThat(store.holds(chunk.record())).isFalse();
        assertThat(store.read(chunk.record(), 0, LENGTH)).isEmpty();
        store.complete(chunk.record());
        assertThat(store.holds(chunk.record())).isTrue();
        assertThat(read(chunk.record(), 5, 70_000)).isEqualTo(Arrays.copyOfRange(chunk.bytes(), 5, 70_005));
    }

    @Test
    void readsAPieceOfAnOpenChunk() {
        Chunk chunk = stream.next(LENGTH);
        store.open(chunk.record());
        store.write(chunk.record(), 0, chunk.buffer().slice(0, ChunkRecord.PIECE_LENGTH));
        ByteBuf block = store.readPiece(chunk.record(), 0, 16_384, 100).orElseThrow();
        assertThat(ByteBufUtil.getBytes(block)).isEqualTo(Arrays.copyOfRange(chunk.bytes(), 16_384, 16_484));
        block.release();
    }

    @Test
    void refusesABlockThatRunsOneByteOverTheEnd() {
        Chunk chunk = stream.next(LENGTH);
        store.open(chunk.record());
        assertThatThrownBy(() -> store.write(chunk.record(), LENGTH - 9, Unpooled.wrappedBuffer(new byte[10])))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> store.readWritten(chunk.record(), 1, LENGTH))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void dropsTheOldestFirstAndSaysSo() {
        List<Chunk> chunks =
                List.of(stream.next(LENGTH), stream.next(LENGTH), stream.next(LENGTH), stream.next(LENGTH));
        for (int i : new int[] {1, 0, 2, 3}) {
            assertThat(store.put(chunks.get(i).record(), chunks.get(i).buffer()))
                    .isTrue();
        }
        assertThat(evicted).containsExactly(chunks.get(0).record());
        assertThat(store.memoryBytes()).isEqualTo(3L * LENGTH);
    }

    @Test
    void refusesAnOldChunkWhereAllThatIsHeldIsNewer() {
        Chunk old = stream.next(LENGTH);
        for (int i = 0; i < 3; i++) {
            Chunk chunk = stream.next(LENGTH);
            store.put(chunk.record(), chunk.buffer());
        }
        assertThat(store.put(old.record(), old.buffer())).isFalse();
        assertThat(evicted).isEmpty();
    }

    @Test
    void refusesOneByteMoreThanTheCap() {
        assertThat(store.open(stream.next(3 * LENGTH + 1).record())).isFalse();
        assertThat(store.open(stream.next(3 * LENGTH).record())).isTrue();
        assertThat(store.open(stream.next(1).record())).isFalse();
    }

    @Test
    void aReaderKeepsItsBytesAfterTheChunkIsGone() {
        Chunk chunk = stream.next(LENGTH);
        store.put(chunk.record(), chunk.buffer());
        ByteBuf slice = store.read(chunk.record(), 0, LENGTH).orElseThrow();
        store.discard(chunk.record());
        assertThat(store.holds(chunk.record())).isFalse();
        assertThat(store.memoryBytes()).isZero();
        assertThat(ByteBufUtil.getBytes(slice)).isEqualTo(chunk.bytes());
        assertThat(slice.release()).isTrue(); // The last hold: the slab is freed.
        assertThat(evicted).isEmpty();
    }

    private byte[] read(ChunkRecord record, int offset, int length) {
        ByteBuf slice = store.read(record, offset, length).orElseThrow();
        try {
            return ByteBufUtil.getBytes(slice);
        } finally {
            slice.release();
        }
    }
}
