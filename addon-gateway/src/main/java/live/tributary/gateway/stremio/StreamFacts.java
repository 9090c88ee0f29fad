package live.tributary.gateway.stremio;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.mesh.StreamView;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.StreamKey;

/** What people are told of a stream, from what it says of itself and from its records. */
record StreamFacts(StreamView view) {
    private static final Pattern BANDWIDTH = Pattern.compile("(?:^|,)BANDWIDTH=(\\d{1,12})");
    private static final Pattern RESOLUTION = Pattern.compile("(?:^|,)RESOLUTION=\\d{1,5}x(\\d{1,5})");
    private static final int SAMPLE = 10;
    static final int SHORT_KEY = 8;

    /** Its id in Stremio. */
    String id() {
        return StreamKey.URI_PREFIX + view.key().text();
    }

    String shortKey() {
        return view.key().text().substring(0, SHORT_KEY);
    }

    String name() {
        return about().map(About.Body::name).filter(name -> !name.isBlank()).orElse("Stream " + shortKey());
    }

    Optional<String> title() {
        return about().map(About.Body::title).filter(title -> !title.isBlank());
    }

    List<String> tags() {
        return about().map(About.Body::tags).orElse(List.of());
    }

    Optional<String> poster() {
        return about().flatMap(About.Body::poster).map(poster -> poster.url().toString());
    }

    String description(Instant now) {
        StringBuilder text = new StringBuilder();
        title().ifPresent(title -> text.append(title).append('\n'));
        about().map(About.Body::description)
                .filter(d -> !d.isBlank())
                .ifPresent(d -> text.append(d).append('\n'));
        return text.append(state(now)).toString();
    }

    /** {@code Live}, or when it was. */
    String state(Instant now) {
        if (view.live()) {
            return "Live";
        }
        return lastPublished()
                .map(last -> "Offline; last live " + ago(Duration.between(last, now)))
                .orElse("Offline");
    }

    Optional<Instant> lastPublished() {
        return view.renditions().stream()
                .flatMap(rendition -> view.newest(rendition, 1).stream())
                .map(record -> record.body().published())
                .max(Instant::compareTo);
    }

    /** The variants, best first; one without attributes where the stream has not told yet. */
    List<Rendition> variants() {
        List<Rendition> told = about().map(About.Body::renditions).orElse(List.of()).stream()
                .filter(rendition -> rendition.kind() == Rendition.Kind.VARIANT)
                .sorted((a, b) ->
                        Long.compare(bandwidth(b).orElse(0), bandwidth(a).orElse(0)))
                .toList();
        return told.isEmpty() ? List.of(new Rendition(0, Rendition.Kind.VARIANT, "")) : told;
    }

    /** {@code 720p, 2.5 Mbit/s}, as far as known. */
    String quality(Rendition rendition) {
        Matcher resolution = RESOLUTION.matcher(rendition.attributes());
        String height = resolution.find() ? resolution.group(1) + "p" : "";
        OptionalLong bits = bandwidth(rendition);
        String rate = bits.isPresent() ? String.format(Locale.ROOT, "%.1f Mbit/s", bits.getAsLong() / 1e6) : "";
        return height.isEmpty() || rate.isEmpty() ? height + rate : height + ", " + rate;
    }

    private OptionalLong bandwidth(Rendition rendition) {
        Matcher told = BANDWIDTH.matcher(rendition.attributes());
        if (told.find()) {
            return OptionalLong.of(Long.parseLong(told.group(1)));
        }
        List<ChunkRecord> newest = view.newest(rendition.number(), SAMPLE);
        long bytes = newest.stream().mapToLong(ChunkRecord::length).sum();
        long millis = newest.stream()
                .mapToLong(record -> record.body().duration().toMillis())
                .sum();
        return millis == 0 ? OptionalLong.empty() : OptionalLong.of(bytes * 8 * 1000 / millis);
    }

    private Optional<About.Body> about() {
        return view.about().map(About::body);
    }

    private static String ago(Duration past) {
        if (past.toMinutes() < 1) {
            return "a moment ago";
        }
        if (past.toHours() < 1) {
            return past.toMinutes() + " min ago";
        }
        return past.toDays() < 2 ? past.toHours() + " h ago" : past.toDays() + " days ago";
    }
}
