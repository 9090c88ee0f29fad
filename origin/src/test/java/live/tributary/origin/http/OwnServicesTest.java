package live.tributary.origin.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;
import org.junit.jupiter.api.Test;

class OwnServicesTest {
    private final OwnServices services = new OwnServices();

    @Test
    void answersWithWhicheverKnowsThePath() {
        assertThat(ask("GET", "/page")).isEmpty();
        services.add(new Fixed("/page", false, 201));
        services.add(new Fixed("/other", false, 202));

        assertThat(ask("GET", "/page")).contains(201);
        assertThat(ask("GET", "/other")).contains(202);
        assertThat(ask("GET", "/neither")).isEmpty();
    }

    @Test
    void isAskedForPostsWhereOneOfThemIsAndAsksOnlyThat() {
        services.add(new Fixed("/page", false, 201));
        assertThat(services.takesPosts()).isFalse();
        services.add(new Fixed("/hook", true, 202));

        assertThat(services.takesPosts()).isTrue();
        assertThat(ask("POST", "/hook")).contains(202);
        assertThat(ask("POST", "/page")).isEmpty();
        assertThat(ask("GET", "/page")).contains(201);
    }

    private Optional<Integer> ask(String method, String path) {
        return services.answer(new HttpQuery(
                        method,
                        path,
                        "",
                        new DefaultHttpHeaders(),
                        new InetSocketAddress("127.0.0.1", 1),
                        false,
                        Unpooled.EMPTY_BUFFER))
                .map(stage -> stage.toCompletableFuture().join().status());
    }

    private record Fixed(String path, boolean takesPosts, int status) implements HttpService {
        @Override
        public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
            return query.rawPath().equals(path)
                    ? Optional.of(CompletableFuture.completedStage(HttpAnswer.text(status, "here")))
                    : Optional.empty();
        }
    }
}
