package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LimitedBodyTest {
    @Test
    void anAnswerThatStopsInItsMiddleIsGivenUp() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write(new byte[10]);
            exchange.getResponseBody().flush(); // The rest never comes.
        });
        server.start();
        try {
            URI location = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/a.ts");
            HttpRequest request = HttpRequest.newBuilder(location).build();

            assertThatThrownBy(() ->
                            LimitedBody.exchange(HttpClient.newHttpClient(), request, 1000, Duration.ofSeconds(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessage(location + ": no whole answer within 1 s");
        } finally {
            server.stop(0);
        }
    }
}
