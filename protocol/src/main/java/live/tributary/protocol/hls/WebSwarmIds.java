package live.tributary.protocol.hls;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.StreamKey;

/**
 * The swarms in which browsers meet that play a stream with p2p-media-loader (its peer protocol v2).
 *
 * <p>The page sets {@code swarmId}: to {@link #ofStream} where it plays the master playlist, to {@link #ofRendition} where it plays
 * the media playlist of one rendition. The term is part of both, since a new term may give other bytes under an old number. What
 * the player then announces is not a torrent's infohash but a hash of the id and of the level's attributes.
 */
public final class WebSwarmIds {
    /** The player's name for a level of which the playlist says nothing: {@code 0--------}. */
    private static final String BARE_LEVEL = "0--------";

    private static final int HASHED_BYTES = 15;
    private static final Set<String> VIDEO_CODECS =
            Set.of("av01", "avc1", "avc3", "dvav", "dva1", "dvh1", "dvhe", "hev1", "hvc1", "vp08", "vp09");

    private WebSwarmIds() {}

    /** {@code tributary:<key>-<term>}. */
    public static String ofStream(StreamKey stream, long term) {
        return "tributary:" + stream.text() + "-" + term;
    }

    /** {@code tributary:<key>-<term>-<rendition>}. */
    public static String ofRendition(StreamKey stream, long term, int rendition) {
        return ofStream(stream, term) + "-" + rendition;
    }

    /** The infohash that a player announces for one rendition's media playlist. */
    public static InfoHash mediaPlaylist(StreamKey stream, long term, int rendition) {
        return infoHash(ofRendition(stream, term, rendition), "main", BARE_LEVEL);
    }

    /** The infohashes that a player announces for the levels and the audio of a master playlist with these renditions. */
    public static Set<InfoHash> masterPlaylist(StreamKey stream, long term, List<Rendition> renditions) {
        Set<InfoHash> infoHashes = new LinkedHashSet<>();
        for (Rendition rendition : renditions) {
            infoHashes.add(
                    rendition.kind() == Rendition.Kind.VARIANT
                            ? infoHash(ofStream(stream, term), "main", variant(rendition.attributes()))
                            : infoHash(ofStream(stream, term), "secondary", audio(rendition.attributes())));
        }
        return infoHashes;
    }

    private static InfoHash infoHash(String swarmId, String type, String level) {
        String index = Base64.getEncoder().encodeToString(sha1(level));
        byte[] hash = Arrays.copyOf(sha1("v2-" + swarmId + "-" + type + "-" + index), HASHED_BYTES);
        return InfoHash.of(Base64.getEncoder().encode(hash));
    }

    private static String variant(String text) {
        // As MasterPlaylist writes it.
        Level level = Level.of(text.isEmpty() ? "BANDWIDTH=" + MasterPlaylist.NOMINAL_BANDWIDTH : text);
        String[] size = level.value("RESOLUTION").split("x", -1);
        return String.join(
                "-",
                level.value("BANDWIDTH"),
                codecs(level, VIDEO_CODECS),
                size.length == 2 ? size[0] : "",
                size.length == 2 ? size[1] : "",
                "",
                "",
                "",
                number(level.value("FRAME-RATE")),
                level.value("VIDEO-RANGE").toUpperCase(Locale.ROOT));
    }

    private static String audio(String text) {
        Level level = Level.of(text);
        String language = level.value("LANGUAGE");
        return String.join(
                "-",
                "0",
                "",
                "",
                "",
                language.equals("und") ? "" : cut(language, 2).toLowerCase(Locale.ROOT),
                level.value("CHANNELS").split("/", -1)[0],
                level.value("NAME").toLowerCase(Locale.ROOT).strip(),
                "",
                "");
    }

    private static String codecs(Level level, Set<String> wanted) {
        return Stream.of(level.value("CODECS").split(",", -1))
                .map(codec -> codec.strip().toLowerCase(Locale.ROOT))
                .filter(codec -> wanted.contains(cut(codec, 4)))
                .sorted()
                .collect(Collectors.joining(","));
    }

    /** A number as JavaScript writes it: without zeros at the end. */
    private static String number(String text) {
        try {
            return text.isEmpty()
                    ? ""
                    : new BigDecimal(cut(text, 32)).stripTrailingZeros().toPlainString();
        } catch (NumberFormatException e) {
            return ""; // Neither is it one to the player.
        }
    }

    private static String cut(String text, int length) {
        return text.substring(0, Math.min(length, text.length()));
    }

    private record Level(AttributeList attributes) {
        static Level of(String text) {
            try {
                return new Level(AttributeList.parse(text));
            } catch (FormatException e) {
                return new Level(AttributeList.EMPTY); // A player makes nothing of it either.
            }
        }

        String value(String name) {
            return attributes.value(name).orElse("");
        }
    }

    private static byte[] sha1(String text) {
        try {
            return MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every Java has it.
        }
    }
}
