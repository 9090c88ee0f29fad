package live.tributary.mesh.program;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.protocol.stream.StreamKey;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the values of options; whatever cannot be read is named together with what was expected. */
public final class Converters {
    private static final Pattern DURATION = Pattern.compile("(?:\\d{1,9}(?:ms|s|m|h|d))+");
    private static final Pattern DURATION_PART = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

    private Converters() {}

    static void register(CommandLine line) {
        line.registerConverter(BitRate.class, converter(BitRate::parse));
        line.registerConverter(ByteSize.class, converter(ByteSize::parse));
        line.registerConverter(HostPort.class, converter(HostPort::parse));
        line.registerConverter(StreamKey.class, converter(StreamName::parse));
        line.registerConverter(Duration.class, converter(Converters::duration));
        line.registerConverter(InetAddress.class, converter(Converters::address));
        line.registerConverter(URI.class, converter(Converters::uri));
        line.registerConverter(Path.class, new HomePath());
        line.registerConverter(Boolean.class, converter(Converters::truth));
        line.registerConverter(Boolean.TYPE, converter(Converters::truth));
        line.registerConverter(Integer.class, converter(Converters::number));
        line.registerConverter(Integer.TYPE, converter(Converters::number));
    }

    /** Of an {@code int} that is a port. */
    public static final class Port implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            return converter(HostPort::parsePort).apply(value);
        }
    }

    /** Of a path that may begin with {@code ~/}. */
    public static final class HomePath implements ITypeConverter<Path> {
        @Override
        public Path convert(String value) {
            return converter(Converters::path).apply(value);
        }
    }

    private static <T> Converter<T> converter(Function<String, T> parser) {
        return new Converter<>(parser);
    }

    private record Converter<T>(Function<String, T> parser) implements ITypeConverter<T> {
        @Override
        public T convert(String value) {
            return apply(value);
        }

        T apply(String value) {
            try {
                return parser.apply(value);
            } catch (IllegalArgumentException e) {
                TypeConversionException refused = new TypeConversionException(e.getMessage());
                refused.initCause(e);
                throw refused;
            }
        }
    }

    private static boolean truth(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(text + " (expected: true or false)");
        };
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(text + " (expected: a whole number)", e);
        }
    }

    private static Path path(String text) {
        try {
            return text.equals("~") || text.startsWith("~/")
                    ? Path.of(System.getProperty("user.home"), text.substring(1))
                    : Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(text + " (expected: a path)", e);
        }
    }

    private static Duration duration(String text) {
        if (!DURATION.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " (expected: a duration such as 1h, 90s or 1h30m)");
        }
        Duration sum = Duration.ZERO;
        Matcher part = DURATION_PART.matcher(text);
        while (part.find()) {
            long amount = Long.parseLong(part.group(1));
            sum = sum.plus(
                    switch (part.group(2)) {
                        case "ms" -> Duration.ofMillis(amount);
                        case "s" -> Duration.ofSeconds(amount);
                        case "m" -> Duration.ofMinutes(amount);
                        case "h" -> Duration.ofHours(amount);
                        default -> Duration.ofDays(amount);
                    });
        }
        return sum;
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text + " (expected: an address of this machine)", e);
        }
    }

    private static URI uri(String text) {
        URI uri;
        try {
            uri = URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(text + " (expected: a URL)", e);
        }
        if (uri.getScheme() == null || uri.getHost() == null) {
            throw new IllegalArgumentException(text + " (expected: a URL such as https://example.org/)");
        }
        return uri;
    }
}
