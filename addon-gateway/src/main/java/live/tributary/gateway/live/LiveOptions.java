package live.tributary.gateway.live;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import live.tributary.gateway.geo.Region;
import live.tributary.gateway.http.RawPath;
import live.tributary.gateway.http.Visit;
import live.tributary.gateway.ranking.Viewer;

/**
 * What a player's URL says of its viewer; it stands in the query, so that it reaches every reload.
 *
 * @param region where the viewer says that he is
 * @param plainHttp whether the player takes http although the playlist comes by https, as native ones do
 * @param server where the viewer's streaming server answers, for hybrid playlists
 */
public record LiveOptions(Optional<Region> region, boolean plainHttp, URI server) {
    /** Where Stremio's streaming server listens unless it is told otherwise. */
    public static final URI USUAL_SERVER = URI.create("http://127.0.0.1:11470");

    public static final LiveOptions NONE = new LiveOptions(Optional.empty(), false, USUAL_SERVER);

    private static final int MAX_SERVER = 200;

    /** Empty where the query is none that {@link #query} makes; what it does not know is left alone. */
    public static Optional<LiveOptions> parse(String rawQuery) {
        return RawPath.parameters(rawQuery, true).flatMap(LiveOptions::read);
    }

    private static Optional<LiveOptions> read(Map<String, String> parameters) {
        Optional<Region> region = Optional.empty();
        if (parameters.containsKey("region")) {
            region = Region.of(parameters.get("region"));
            if (region.isEmpty()) {
                return Optional.empty();
            }
        }
        Optional<URI> server =
                parameters.containsKey("server") ? httpUrl(parameters.get("server")) : Optional.of(USUAL_SERVER);
        Optional<Region> told = region;
        return server.map(url -> new LiveOptions(told, "1".equals(parameters.get("plain")), url));
    }

    private static Optional<URI> httpUrl(String text) {
        try {
            URI url = URI.create(text);
            boolean http = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
            boolean bare = url.getHost() != null && url.getRawQuery() == null && url.getRawFragment() == null;
            return text.length() <= MAX_SERVER && http && bare ? Optional.of(url) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // No URL: the caller answers 400.
        }
    }

    /** What to append to a URL: empty, or with its question mark. */
    public String query() {
        StringJoiner query = new StringJoiner("&", "?", "").setEmptyValue("");
        region.ifPresent(value -> query.add("region=" + value.id()));
        if (plainHttp) {
            query.add("plain=1");
        }
        if (!server.equals(USUAL_SERVER)) {
            query.add("server=" + URLEncoder.encode(server.toString(), StandardCharsets.UTF_8));
        }
        return query.toString();
    }

    public Visit apply(Visit visit) {
        return visit.with(apply(visit.viewer()));
    }

    public Viewer apply(Viewer viewer) {
        Viewer told = region.map(wanted -> viewer.at(wanted.middle())).orElse(viewer);
        return plainHttp ? told.takingPlainHttp() : told;
    }
}
