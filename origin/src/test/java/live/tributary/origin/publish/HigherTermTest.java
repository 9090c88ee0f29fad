package live.tributary.origin.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.SigningKey;
import org.junit.jupiter.api.Test;

class HigherTermTest {
    private final Samples samples = new Samples(8);
    private final SigningKey key = samples.key();

    @Test
    void aRecordShowsItWhileItIsFresh() {
        ChunkRecord record = samples.record(key);

        assertThat(HigherTerm.shows(record, record.term() - 1, Samples.NOW.plusSeconds(59)))
                .isTrue();
        assertThat(HigherTerm.shows(record, record.term(), Samples.NOW)).isFalse();
        assertThat(HigherTerm.shows(record, record.term() - 1, Samples.NOW.plusSeconds(60)))
                .isFalse();
    }

    @Test
    void aHeadShowsItWhileItSaysLiveAndHasNotExpired() {
        Instant expires = Samples.NOW.plusSeconds(300);

        assertThat(HigherTerm.shows(head(expires, Head.Status.LIVE), 4, Samples.NOW))
                .isTrue();
        assertThat(HigherTerm.shows(head(expires, Head.Status.LIVE), 5, Samples.NOW))
                .isFalse();
        assertThat(HigherTerm.shows(head(expires, Head.Status.LIVE), 4, expires))
                .isFalse();
        assertThat(HigherTerm.shows(head(expires, Head.Status.ENDED), 4, Samples.NOW))
                .isFalse();
    }

    private Head head(Instant expires, Head.Status status) {
        return samples.head(key, 5, 1, expires, status).head();
    }
}
