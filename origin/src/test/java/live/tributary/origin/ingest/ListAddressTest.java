package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.hls.HlsReader;
import live.tributary.protocol.hls.HlsSnapshot;
import org.junit.jupiter.api.Test;

class ListAddressTest {
    private static final URI FIRST = URI.create("http://h/0/list.m3u8?token=1");
    private static final URI SECOND = URI.create("http://h/0/list.m3u8?token=2");
    private static final long SECOND_OF_NANOS = Duration.ofSeconds(1).toNanos();

    private final ListAddress address = new ListAddress(FIRST);

    @Test
    void aListThatMovesIsReadWhereItWasFound() throws FormatException {
        address.name(SECOND);
        for (int second = 0; second < 20; second += 2) {
            assertThat(address.at(second * SECOND_OF_NANOS)).isEqualTo(FIRST);
            address.read(list(second, "a.ts"), second * SECOND_OF_NANOS);
        }
    }

    @Test
    void aListThatStandsStillIsLookedForWhereItIsNamedNow() throws FormatException {
        address.name(SECOND);
        address.read(list(0, "a.ts"), 0);
        address.read(list(0, "a.ts"), 2 * SECOND_OF_NANOS);

        assertThat(address.at(3 * SECOND_OF_NANOS - 1)).isEqualTo(FIRST);
        assertThat(address.at(3 * SECOND_OF_NANOS)).isEqualTo(SECOND);
    }

    @Test
    void aListThatCannotBeReadIsLookedForElsewhereOnce() {
        assertThat(address.renew()).isFalse();
        address.name(SECOND);
        assertThat(address.renew()).isTrue();
        assertThat(address.at(0)).isEqualTo(SECOND);
        assertThat(address.renew()).isFalse();
    }

    @Test
    void aListAtAnotherPathIsReadAtOnce() {
        URI other = URI.create("http://h/1/list.m3u8?token=1");
        address.name(other);

        assertThat(address.at(0)).isEqualTo(other);
    }

    private static HlsSnapshot.Media list(long sequence, String... names) throws FormatException {
        return (HlsSnapshot.Media)
                HlsReader.read(FeedScript.text(sequence, names).getBytes(StandardCharsets.UTF_8));
    }
}
