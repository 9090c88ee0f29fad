package live.tributary.mesh.program;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A rate in bits per second, written {@code 20Mbit}, {@code 500kbit}, {@code 1.5Gbit}; decimal multiples. */
public record BitRate(long bitsPerSecond) {
    private static final Pattern TEXT =
            Pattern.compile("(\\d{1,9}(?:\\.\\d{1,6})?)([kmg]?)bit(?:/s)?", Pattern.CASE_INSENSITIVE);

    public BitRate {
        if (bitsPerSecond <= 0) {
            throw new IllegalArgumentException("rate: " + bitsPerSecond + " bit/s (expected: > 0)");
        }
    }

    /** Reads the text form. */
    public static BitRate parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(text + " (expected: a rate such as 20Mbit or 500kbit)");
        }
        BigDecimal unit = BigDecimal.valueOf(
                switch (matcher.group(2)) {
                    case "k", "K" -> 1_000;
                    case "m", "M" -> 1_000_000;
                    case "g", "G" -> 1_000_000_000;
                    default -> 1;
                });
        long bits = new BigDecimal(matcher.group(1)).multiply(unit).longValue();
        if (bits == 0) {
            throw new IllegalArgumentException(text + " (expected: a rate above 0)");
        }
        return new BitRate(bits);
    }

    public long bytesPerSecond() {
        return bitsPerSecond / Byte.SIZE;
    }

    @Override
    public String toString() {
        if (bitsPerSecond % 1_000_000 == 0) {
            return bitsPerSecond / 1_000_000 + "Mbit";
        }
        return bitsPerSecond % 1_000 == 0 ? bitsPerSecond / 1_000 + "kbit" : bitsPerSecond + "bit";
    }
}
