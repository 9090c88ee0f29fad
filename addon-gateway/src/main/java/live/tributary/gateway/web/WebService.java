package live.tributary.gateway.web;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import live.tributary.gateway.http.Answers;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.stremio.AddonConfig;
import live.tributary.mesh.http.HttpAnswer;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.mesh.http.HttpService;

/** The pages for people: {@code /watch/<stream>}, {@code /configure} (also {@code /} and with a config), and their files. */
public final class WebService implements HttpService {
    private static final String CONFIGURE = "configure";

    private final ListedStreams streams;
    private final WebFiles files = new WebFiles();

    public WebService(ListedStreams streams) {
        this.streams = streams;
    }

    @Override
    public Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query) {
        return RawPath.of(query.rawPath()).flatMap(path -> route(path, query)).flatMap(Answers::now);
    }

    private Optional<HttpAnswer> route(RawPath path, HttpQuery query) {
        String first = path.raw(0);
        if (path.size() == 1 && (first.isEmpty() || first.equals(CONFIGURE))) {
            return page("configure.html", query);
        }
        if (path.size() == 2 && path.raw(1).equals(CONFIGURE)) {
            return AddonConfig.decode(first).isPresent()
                    ? page("configure.html", query)
                    : Optional.of(Answers.error(400, "config: not one that /configure makes"));
        }
        if (path.size() == 2 && first.equals("watch")) {
            return path.decoded(1).flatMap(streams::find).isPresent()
                    ? page("watch.html", query)
                    : Optional.of(Answers.error(404, "no such stream here"));
        }
        if (path.size() == 2 && first.equals("web")) {
            return page(path.raw(1), query).or(() -> Optional.of(Answers.error(404, "no such file")));
        }
        return Optional.empty();
    }

    private Optional<HttpAnswer> page(String file, HttpQuery query) {
        String accepted = query.headers().get(HttpHeaderNames.ACCEPT_ENCODING, "");
        return files.file(file, accepted.contains("gzip"));
    }
}
