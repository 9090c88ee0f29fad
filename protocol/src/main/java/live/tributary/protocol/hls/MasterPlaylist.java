package live.tributary.protocol.hls;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Rendition;

/** Writes a master playlist from what a stream says of its renditions, with the attributes of the feed's own. */
public final class MasterPlaylist {
    /** BANDWIDTH of a feed that is a bare media playlist and names none: players need a number, with one variant any will do. */
    static final int NOMINAL_BANDWIDTH = 3_000_000;

    private static final Set<String> GROUPS = Set.of("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS");

    private MasterPlaylist() {}

    /**
     * @param uri from a rendition's number to the URI of its media playlist
     */
    public static String of(About about, IntFunction<String> uri) {
        return of(about.body().renditions(), uri, List.of());
    }

    /**
     * @param tags whole lines to be written behind the version, such as EXT-X-CONTENT-STEERING
     */
    public static String of(List<Rendition> renditions, IntFunction<String> uri, List<String> tags) {
        return of(renditions, uri, tags, rendition -> "");
    }

    /**
     * @param tags whole lines to be written behind the version, such as EXT-X-CONTENT-STEERING
     * @param more attributes to be written behind a rendition's own, each with a comma before it
     */
    public static String of(
            List<Rendition> renditions, IntFunction<String> uri, List<String> tags, Function<Rendition, String> more) {
        StringBuilder text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:6\n");
        tags.forEach(tag -> text.append(tag).append('\n'));
        Set<String> groups = new HashSet<>(Set.of("NONE"));
        for (Rendition rendition : renditions) {
            if (rendition.kind() == Rendition.Kind.AUDIO) {
                attributes(rendition)
                        .flatMap(attributes -> attributes.value("GROUP-ID"))
                        .ifPresent(groups::add);
                text.append("#EXT-X-MEDIA:")
                        .append(rendition.attributes())
                        .append(more.apply(rendition))
                        .append(",URI=\"")
                        .append(uri.apply(rendition.number()))
                        .append("\"\n");
            }
        }
        for (Rendition rendition : renditions) {
            if (rendition.kind() == Rendition.Kind.VARIANT) {
                text.append("#EXT-X-STREAM-INF:")
                        .append(variant(rendition, groups))
                        .append(more.apply(rendition))
                        .append('\n')
                        .append(uri.apply(rendition.number()))
                        .append('\n');
            }
        }
        return text.toString();
    }

    /** RFC 8216, 4.3.4.2: a variant names only groups that are there; those muxed into the feed, and subtitles, are not carried. */
    private static String variant(Rendition rendition, Set<String> groups) {
        if (rendition.attributes().isEmpty()) {
            return "BANDWIDTH=" + NOMINAL_BANDWIDTH;
        }
        return attributes(rendition)
                .filter(attributes -> GROUPS.stream().anyMatch(name -> isMissing(attributes, name, groups)))
                .map(attributes ->
                        attributes.textWithout(name -> GROUPS.contains(name) && isMissing(attributes, name, groups)))
                .orElse(rendition.attributes());
    }

    private static boolean isMissing(AttributeList attributes, String name, Set<String> groups) {
        return attributes.value(name).filter(group -> !groups.contains(group)).isPresent();
    }

    private static Optional<AttributeList> attributes(Rendition rendition) {
        try {
            return Optional.of(AttributeList.parse(rendition.attributes()));
        } catch (FormatException e) {
            return Optional.empty(); // Signed by the stream as it is: handed on as it is.
        }
    }
}
