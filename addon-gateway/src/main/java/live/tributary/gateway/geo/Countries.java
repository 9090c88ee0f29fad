package live.tributary.gateway.geo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A point near where most people of a country live, in whole degrees. */
final class Countries {
    private static final Map<String, Place> MIDDLES = read();

    private Countries() {}

    /** @param code two letters of ISO 3166-1 */
    static Optional<Place> middle(String code) {
        return Optional.ofNullable(MIDDLES.get(code));
    }

    private static Map<String, Place> read() {
        try (InputStream in = Countries.class.getResourceAsStream("countries.txt")) {
            if (in == null) {
                throw new IllegalStateException("countries.txt is missing from the jar");
            }
            Map<String, Place> middles = new HashMap<>();
            for (String entry : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\\s*[\n;]\\s*")) {
                String[] fields = entry.strip().split(" ");
                middles.put(fields[0], new Place(Double.parseDouble(fields[1]), Double.parseDouble(fields[2])));
            }
            return Map.copyOf(middles);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
