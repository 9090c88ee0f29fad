package live.tributary.gateway.geo;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A part of the world that a viewer may name where his address misleads, and a point in its middle. */
public enum Region {
    EU_WEST("Western Europe", 49, 4),
    EU_EAST("Eastern Europe", 51, 24),
    NA_EAST("North America, east", 40, -77),
    NA_WEST("North America, west", 38, -121),
    SOUTH_AMERICA("South America", -20, -50),
    AFRICA("Africa", 2, 20),
    MIDDLE_EAST("Middle East", 29, 45),
    SOUTH_ASIA("South Asia", 20, 78),
    EAST_ASIA("East Asia", 34, 125),
    OCEANIA("Oceania", -34, 150);

    private final String title;
    private final Place middle;

    Region(String title, double latitude, double longitude) {
        this.title = title;
        this.middle = new Place(latitude, longitude);
    }

    public String title() {
        return title;
    }

    public Place middle() {
        return middle;
    }

    /** As it stands in configs and queries: {@code eu-west}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<Region> of(String id) {
        return Arrays.stream(values()).filter(region -> region.id().equals(id)).findFirst();
    }
}
