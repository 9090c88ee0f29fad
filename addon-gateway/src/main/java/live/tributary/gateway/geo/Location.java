package live.tributary.gateway.geo;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What is known of where an address is.
 *
 * @param autonomousSystem the number of the AS that announces it
 */
public record Location(Optional<Place> place, Optional<String> country, OptionalLong autonomousSystem) {
    public static final Location UNKNOWN = new Location(Optional.empty(), Optional.empty(), OptionalLong.empty());
}
