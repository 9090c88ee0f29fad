package live.tributary.mesh.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForwardedTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 8.8.8.8, 8.8.8.8",
        "127.0.0.1, '1.1.1.1, 8.8.8.8', 8.8.8.8",
        "127.0.0.1, '1.1.1.1,2a00::1 ', 2a00:0:0:0:0:0:0:1",
        "::1, 8.8.8.8, 8.8.8.8",
        "127.0.0.1, unknown, 127.0.0.1",
        "127.0.0.1, '8.8.8.8,', 127.0.0.1",
        "127.0.0.1, 8.8.8.8:4000, 127.0.0.1",
        "9.9.9.9, 8.8.8.8, 9.9.9.9"
    })
    void believesTheLastWordOfAProxyOnThisMachine(String remote, String told, String client) throws Exception {
        InetAddress from = InetAddress.getByName(remote);
        assertThat(Forwarded.client(from, new DefaultHttpHeaders().add("x-forwarded-for", told))
                        .getHostAddress())
                .isEqualTo(client);
    }

    @Test
    void theLastOfSeveralHeadersCounts() throws Exception {
        assertThat(Forwarded.client(
                        InetAddress.getLoopbackAddress(),
                        new DefaultHttpHeaders()
                                .add("x-forwarded-for", "1.1.1.1")
                                .add("X-Forwarded-For", "2.2.2.2")))
                .isEqualTo(InetAddress.getByName("2.2.2.2"));
        assertThat(Forwarded.client(InetAddress.getLoopbackAddress(), new DefaultHttpHeaders()))
                .isEqualTo(InetAddress.getLoopbackAddress());
    }
}
