package live.tributary.gateway.stremio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import live.tributary.gateway.http.Answers;
import live.tributary.mesh.StreamView;

/** The catalog and the details of its items. */
final class Catalog {
    static final Duration MAX_AGE = Duration.ofSeconds(30);

    /** Clients take a shorter page for one of several: the next is asked with {@code skip} = items so far. */
    static final int PAGE = 100;

    /** What the order of a catalog goes by, looked up once each. */
    private record Listed(StreamFacts facts, boolean live, Instant last) {
        static final Comparator<Listed> ORDER = Comparator.comparing((Listed listed) -> !listed.live)
                .thenComparing(Listed::last, Comparator.reverseOrder())
                .thenComparing(listed -> listed.facts.id());

        static Listed of(StreamFacts facts) {
            return new Listed(facts, facts.view().live(), facts.lastPublished().orElse(Instant.EPOCH));
        }
    }

    private Catalog() {}

    /**
     * A page of the catalog.
     *
     * @param extra {@code search}, {@code genre}, {@code skip}, each of them or none
     * @return empty where {@code skip} is no number
     */
    static Optional<ObjectNode> of(List<StreamView> streams, Map<String, String> extra, String base, Instant now) {
        Optional<Integer> skip = number(extra.getOrDefault("skip", "0"));
        if (skip.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode answer = Answers.object();
        ArrayNode metas = answer.putArray("metas");
        Stream<StreamFacts> matching = streams.stream()
                .map(StreamFacts::new)
                .filter(facts -> hasGenre(facts, extra.getOrDefault("genre", "")))
                .filter(facts -> matches(facts, extra.getOrDefault("search", "")))
                .map(Listed::of)
                .sorted(Listed.ORDER)
                .map(Listed::facts);
        matching.skip(skip.get()).limit(PAGE).forEach(facts -> metas.add(preview(facts, base, now)));
        answer.put("cacheMaxAge", MAX_AGE.toSeconds());
        return Optional.of(answer);
    }

    /** The details; {@code defaultVideoId} makes clients ask for the live streams at once. */
    static ObjectNode meta(StreamView stream, String base, Instant now) {
        StreamFacts facts = new StreamFacts(stream);
        ObjectNode answer = Answers.object();
        ObjectNode meta = preview(facts, base, now);
        facts.poster().ifPresent(url -> meta.put("background", url));
        meta.putObject("behaviorHints").put("defaultVideoId", facts.id());
        ArrayNode videos = Dvr.videos(stream, facts.variants().get(0).number(), facts.id(), now);
        if (!videos.isEmpty()) {
            meta.set("videos", videos);
        }
        answer.set("meta", meta);
        answer.put("cacheMaxAge", MAX_AGE.toSeconds());
        return answer;
    }

    private static ObjectNode preview(StreamFacts facts, String base, Instant now) {
        ObjectNode meta = Answers.object();
        meta.put("id", facts.id());
        meta.put("type", Manifest.TYPE);
        meta.put("name", facts.name());
        meta.put("posterShape", facts.poster().isPresent() ? "landscape" : "square");
        meta.put("poster", facts.poster().orElse(base + "/web/logo.png"));
        meta.put("description", facts.description(now));
        meta.put("releaseInfo", facts.view().live() ? "Live" : "Offline");
        if (!facts.tags().isEmpty()) {
            facts.tags().forEach(meta.putArray("genres")::add);
        }
        return meta;
    }

    private static boolean hasGenre(StreamFacts facts, String genre) {
        return genre.isEmpty()
                || (genre.equals(Manifest.LIVE_NOW)
                        ? facts.view().live()
                        : facts.tags().contains(genre));
    }

    private static boolean matches(StreamFacts facts, String search) {
        String wanted = search.strip().toLowerCase(Locale.ROOT);
        return Stream.concat(Stream.of(facts.name(), facts.title().orElse(""), facts.id()), facts.tags().stream())
                .anyMatch(text -> text.toLowerCase(Locale.ROOT).contains(wanted));
    }

    private static Optional<Integer> number(String text) {
        try {
            int number = Integer.parseInt(text);
            return number >= 0 ? Optional.of(number) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty(); // The caller answers 400.
        }
    }
}
