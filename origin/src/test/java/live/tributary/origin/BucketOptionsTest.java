package live.tributary.origin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import live.tributary.mesh.program.UsageException;
import live.tributary.origin.fallback.BucketSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class BucketOptionsTest {
    @Command
    private static final class Given {
        @Mixin
        private BucketOptions bucket = new BucketOptions();
    }

    private static BucketOptions given(String... arguments) {
        Given given = new Given();
        new CommandLine(given).parseArgs(arguments);
        return given.bucket;
    }

    @Test
    void withoutABucketThereIsNone() {
        assertThat(given().settings()).isEmpty();
    }

    @Test
    void aBudgetIsTheBuckets() {
        BucketSettings settings = given(
                        "--s3-endpoint", "https://s3.example", "--s3-bucket", "b", "--bucket-budget", "5")
                .settings()
                .orElseThrow();

        assertThat(settings.bucket()).isEqualTo("b");
    }

    @ParameterizedTest
    @CsvSource({"--bucket-budget,5", "--bucket-budget,0", "--s3-public-url,https://cdn.example", "--s3-prefix,live/"})
    void whatIsSaidOfABucketWhereThereIsNoneIsRefused(String option, String value) {
        assertThatThrownBy(() -> given(option, value).settings())
                .isInstanceOf(UsageException.class)
                .hasMessage(option + ": no bucket (expected: --s3-endpoint and --s3-bucket beside it)");
    }

    @ParameterizedTest
    @CsvSource({"--s3-endpoint,https://s3.example", "--s3-bucket,b"})
    void halfOfABucketIsNone(String option, String value) {
        assertThatThrownBy(() -> given(option, value).settings()).hasMessageContaining(option + ": alone");
    }
}
