package live.tributary.mesh.program;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An amount of data, written {@code 256MB} (decimal) or {@code 256MiB} (binary). */
public record ByteSize(long bytes) {
    private static final Pattern TEXT =
            Pattern.compile("(\\d{1,12}(?:\\.\\d{1,6})?)\\s?([kmgt]?)(i?)b", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "kmgt";

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("size: " + bytes + " (expected: >= 0)");
        }
    }

    /** Reads the text form. */
    public static ByteSize parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (!matcher.matches()
                || (matcher.group(2).isEmpty() && !matcher.group(3).isEmpty())) {
            throw new IllegalArgumentException(text + " (expected: a size such as 256MB or 5GB)");
        }
        int base = matcher.group(3).isEmpty() ? 1000 : 1024;
        String unit = matcher.group(2).toLowerCase(Locale.ROOT);
        int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit) + 1;
        BigDecimal bytes = new BigDecimal(matcher.group(1))
                .multiply(BigDecimal.valueOf(base).pow(power));
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException(text + " (expected: at most 8EB)");
        }
        return new ByteSize(bytes.longValue());
    }

    @Override
    public String toString() {
        long rest = bytes;
        int power = 0;
        while (rest != 0 && rest % 1000 == 0 && power < UNITS.length()) {
            rest /= 1000;
            power++;
        }
        return rest
                + (power == 0
                        ? ""
                        : power == 1 ? "k" : UNITS.substring(power - 1, power).toUpperCase(Locale.ROOT)) + "B";
    }
}
