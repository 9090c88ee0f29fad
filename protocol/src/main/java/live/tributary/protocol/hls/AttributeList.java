package live.tributary.protocol.hls;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import live.tributary.protocol.bencode.FormatException;

/** An attribute list (RFC 8216, 4.2) whose text is kept as it was written. */
final class AttributeList {
    static final AttributeList EMPTY = new AttributeList(List.of());

    private final List<Attribute> attributes;

    private AttributeList(List<Attribute> attributes) {
        this.attributes = attributes;
    }

    /** One attribute; {@code value} with the quotes that stand around it. */
    private record Attribute(String name, String value) {
        @Override
        public String toString() {
            return name + "=" + value;
        }
    }

    static AttributeList parse(String text) throws FormatException {
        List<Attribute> attributes = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            int equals = text.indexOf('=', at);
            if (equals < 0) {
                throw new FormatException("attribute: " + text.substring(at) + " (expected: NAME=value)");
            }
            boolean quoted = equals + 1 < text.length() && text.charAt(equals + 1) == '"';
            int closing = quoted ? text.indexOf('"', equals + 2) : equals;
            if (closing < 0) {
                throw new FormatException("attribute: " + text.substring(at) + " (expected: a closing quote)");
            }
            int comma = text.indexOf(',', closing);
            int end = comma < 0 ? text.length() : comma;
            attributes.add(new Attribute(text.substring(at, equals).strip(), text.substring(equals + 1, end)));
            at = end + 1;
        }
        return new AttributeList(attributes);
    }

    /** The value without the quotes around it. */
    Optional<String> value(String name) {
        return attributes.stream()
                .filter(attribute -> attribute.name().equals(name))
                .map(attribute -> attribute.value().strip().replaceAll("^\"|\"$", ""))
                .findFirst();
    }

    /** The text of all attributes but those whose name is given. */
    String textWithout(Predicate<String> names) {
        return attributes.stream()
                .filter(attribute -> !names.test(attribute.name()))
                .map(Attribute::toString)
                .collect(Collectors.joining(","));
    }
}
