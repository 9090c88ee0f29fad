package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WriteBudgetTest {
    private static final Instant NOVEMBER = Instant.parse("2026-11-30T23:59:59Z");

    @TempDir
    private Path folder;

    @Test
    void grantsSoManyWritesAMonthAndNotOneMore() throws IOException {
        WriteBudget budget = new WriteBudget(folder.resolve("writes"), 3);
        for (int i = 0; i < 3; i++) {
            assertThat(budget.take(NOVEMBER)).isTrue();
        }
        assertThat(budget.take(NOVEMBER)).isFalse();
        assertThat(budget.take(NOVEMBER.plusSeconds(1))).isTrue();
    }

    @Test
    void aRestartNeverGrantsWritesTwice() throws IOException {
        Path file = folder.resolve("writes");
        new WriteBudget(file, 250).take(NOVEMBER);
        WriteBudget again = new WriteBudget(file, 250);
        int granted = 0;
        while (again.take(NOVEMBER)) {
            granted++;
        }

        assertThat(granted).isBetween(150, 249);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "", "2026-13 5\n", "2026-00 5\n", "2026-11 9999999999999999\n"})
    void aDamagedCountIsCountedAnew(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("writes"), text);

        assertThat(new WriteBudget(file, 1).take(NOVEMBER)).isTrue();
    }
}
