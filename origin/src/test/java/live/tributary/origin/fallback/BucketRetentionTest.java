package live.tributary.origin.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BucketRetentionTest {
    private static final Instant NOW = Instant.parse("2026-11-22T06:00:00Z");
    private static final Instant LEFT = NOW.minusSeconds(3601);
    private static final Instant STAYS = NOW.minusSeconds(3599);

    private final BucketRetention retention = new BucketRetention(new BucketLayout("s/key/3"), Duration.ofHours(1));
    private final Map<String, Instant> keys = new LinkedHashMap<>();

    @Test
    void theDocumentsOfATermLeaveWithItsLastChunkAndBeforeIt() {
        keys.put("s/key/1/0/7-aaaaaaaa.ts", LEFT);
        keys.put("s/key/1/0/live.m3u8", STAYS);
        keys.put("s/key/1/head", STAYS);
        keys.put("s/key/2/0/8-bbbbbbbb.ts", STAYS);
        keys.put("s/key/2/0/live.m3u8", LEFT);

        assertThat(retention.leaving(keys, NOW))
                .containsExactly("s/key/1/0/live.m3u8", "s/key/1/head", "s/key/1/0/7-aaaaaaaa.ts");
        assertThat(retention.leaving(keys, NOW)).as("each is told once").isEmpty();
        retention.done("s/key/1/head");
        assertThat(retention.leaving(keys, NOW)).containsExactly("s/key/1/head");
    }

    @Test
    void theDocumentsOfThisTermStayAndThoseOfOneThatNeverHadAChunkGo() {
        keys.put("s/key/2/master.m3u8", STAYS);
        keys.put("s/key/3/master.m3u8", LEFT);

        assertThat(retention.leaving(keys, NOW)).containsExactly("s/key/2/master.m3u8");
    }
}
