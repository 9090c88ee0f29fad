package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import live.tributary.mesh.SampleStream;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DenyListTest {
    @TempDir
    Path directory;

    private final StreamKey denied = new SampleStream(1, Instant.EPOCH).streamKey();

    @Test
    void namesStreamsAddressesAndNetworks() throws Exception {
        DenyList list = DenyList.read(Files.writeString(
                directory.resolve("deny"),
                "# nobody\n\n" + denied.text() + " # a stream\n192.0.2.1\n198.51.100.0/25\n2001:db8::/33\n"));
        assertThat(list.denies(denied)).isTrue();
        assertThat(list.denies(new SampleStream(2, Instant.EPOCH).streamKey())).isFalse();
        assertThat(list.denies(InetAddress.getByName("192.0.2.1"))).isTrue();
        assertThat(list.denies(InetAddress.getByName("192.0.2.2"))).isFalse();
        assertThat(list.denies(InetAddress.getByName("198.51.100.127"))).isTrue();
        assertThat(list.denies(InetAddress.getByName("198.51.100.128"))).isFalse();
        assertThat(list.denies(InetAddress.getByName("2001:db8:7fff::1"))).isTrue();
        assertThat(list.denies(InetAddress.getByName("2001:db8:8000::1"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"example.org", "192.0.2.1/33", "192.0.2.1/x", "192.0.2", "abc", "2001:db8::/129"})
    void namesTheLineThatIsNoEntry(String line) throws Exception {
        Path file = Files.writeString(directory.resolve("deny"), "\n" + line + "\n");
        assertThatThrownBy(() -> DenyList.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("line 2: " + line);
    }
}
