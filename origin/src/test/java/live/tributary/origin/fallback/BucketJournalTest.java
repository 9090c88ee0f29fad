package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BucketJournalTest {
    private static final Instant TIME = Instant.ofEpochMilli(1_000);

    @TempDir
    private Path folder;

    @Test
    void remembersWhatWasPutAndWhatIsKnownToBeThere() throws IOException {
        try (BucketJournal journal = new BucketJournal(file())) {
            journal.putting("a/1.ts", TIME);
            journal.stored("a/1.ts");
            journal.putting("a/2.ts", TIME.plusMillis(5));
            journal.putting("a/3.ts", TIME);
            journal.stored("a/3.ts");
            journal.deleted("a/3.ts");
            journal.stored("a/never-put.ts");
        }
        for (int run = 0; run < 2; run++) {
            try (BucketJournal again = new BucketJournal(file())) {
                assertThat(again.keys()).containsOnlyKeys("a/1.ts", "a/2.ts").containsEntry("a/1.ts", TIME);
                assertThat(Stream.of("a/1.ts", "a/2.ts", "a/3.ts", "a/never-put.ts")
                                .filter(again::isStored))
                        .containsExactly("a/1.ts");
            }
        }
    }

    @Test
    void aTornLastLineAndWhatIsNoneAreSkipped() throws IOException {
        Files.write(
                file(),
                List.of("put 5 a/1.ts", "stored a/0.ts", "nonsense", "put 99 a/2.ts"),
                StandardOpenOption.CREATE);
        Files.writeString(file(), "stor", StandardOpenOption.APPEND);
        try (BucketJournal journal = new BucketJournal(file())) {
            assertThat(journal.keys()).containsOnlyKeys("a/1.ts", "a/2.ts");
            assertThat(journal.isStored("a/0.ts")).as("stored, but never put").isFalse();
        }
    }

    @Test
    void theFileStaysAsShortAsWhatItRemembers() throws IOException {
        try (BucketJournal journal = new BucketJournal(file())) {
            journal.putting("kept.ts", TIME);
            journal.stored("kept.ts");
            for (int i = 0; i < BucketJournal.COMPACT_AFTER; i++) {
                journal.putting(i + ".ts", TIME);
                journal.deleted(i + ".ts");
            }
            journal.putting("last.ts", TIME);
        }
        assertThat(Files.readAllLines(file())).hasSizeLessThan(BucketJournal.COMPACT_AFTER + 10);
        try (BucketJournal again = new BucketJournal(file())) {
            assertThat(again.keys()).containsOnlyKeys("kept.ts", "last.ts");
            assertThat(again.isStored("kept.ts")).isTrue();
        }
    }

    private Path file() {
        return folder.resolve("bucket.journal");
    }
}
