package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import live.tributary.mesh.program.Disk;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LastingStateTest {
    private static final StreamKey STREAM = SigningKey.fromSeed(new byte[32]).streamKey();
    private static final Duration BOUND = Duration.ofSeconds(20);

    private final SlowDisk disk = new SlowDisk();
    private LastingState state;
    private StateFile file;

    @TempDir
    private Path folder;

    /** A disk that makes a file last once it is allowed to, and a directory at once. */
    private static final class SlowDisk implements Disk {
        private final Semaphore allowed = new Semaphore(1);
        private volatile int begun;
        private volatile boolean full;

        @Override
        public void force(FileChannel channel) throws IOException {
            begun++;
            try {
                assertThat(allowed.tryAcquire(BOUND.toSeconds(), TimeUnit.SECONDS))
                        .isTrue();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            if (full) {
                throw new IOException("the disk is full");
            }
        }

        @Override
        public void forceNames(Path directory) {}
    }

    @BeforeEach
    void makeState() throws IOException {
        file = new StateFile(folder.resolve("publish.state"), disk);
        state = new LastingState(file, PublishState.empty(STREAM).withTerm(1));
    }

    @Test
    void whatWaitsForTheDiskIsWrittenTogether() throws Exception {
        List<CompletableFuture<Void>> changes = changesBehindOne(4);
        assertThat(state.get().headSeq())
                .as("what does not last is not the state")
                .isZero();

        disk.allowed.release(2);
        for (CompletableFuture<Void> change : changes) {
            change.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        }

        assertThat(disk.begun)
                .as("writes: the first, one change, and four at once")
                .isEqualTo(3);
        assertThat(state.get().headSeq()).isEqualTo(5);
        assertThat(file.read(STREAM)).contains(state.get());
    }

    @Test
    void whatCouldNotBeWrittenNeverWas() throws Exception {
        List<CompletableFuture<Void>> changes = changesBehindOne(2);
        disk.full = true;
        disk.allowed.release(2);
        for (CompletableFuture<Void> change : changes) {
            assertThatThrownBy(() -> change.get(BOUND.toSeconds(), TimeUnit.SECONDS))
                    .hasStackTraceContaining("the disk is full");
        }
        assertThat(state.get().headSeq()).isZero();

        disk.full = false;
        disk.allowed.release();
        state.change(LastingStateTest::more);
        assertThat(state.get().headSeq()).isEqualTo(1);
        assertThat(file.read(STREAM)).contains(state.get());
    }

    @Test
    void aChangeThatFailsByItselfHoldsUpNoOther() throws Exception {
        assertThatThrownBy(() -> state.change(before -> {
                    throw new IllegalStateException("a fault");
                }))
                .hasMessage("a fault");

        disk.allowed.release();
        CompletableFuture<Void> next = CompletableFuture.runAsync(this::change, work -> new Thread(work).start());
        next.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        assertThat(state.get().headSeq()).isEqualTo(1);
    }

    /** One change that the disk works on, and so many that wait behind it. */
    private List<CompletableFuture<Void>> changesBehindOne(int waiting) {
        List<CompletableFuture<Void>> changes = new ArrayList<>();
        changes.add(CompletableFuture.runAsync(this::change, work -> new Thread(work).start()));
        await(() -> disk.begun == 2);
        for (int i = 0; i < waiting; i++) {
            changes.add(CompletableFuture.runAsync(this::change, work -> new Thread(work).start()));
        }
        await(() -> state.waiting() == waiting);
        return changes;
    }

    private void change() {
        try {
            state.change(LastingStateTest::more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PublishState more(PublishState before) {
        return before.withHeadSeq(before.headSeq() + 1);
    }

    private static void await(BooleanSupplier fact) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!fact.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
