package live.tributary.relay.cache;

import java.util.Optional;
import live.tributary.protocol.stream.RelayDescriptor.Region;

/**
 * A region, as far as sharing goes: a square of fifteen degrees; those who do not say where they are have one of their own together.
 *
 * <p>Squares and not distances, because all relays of a region must mean the same relays by it.
 */
record Cell(int row, int column) {
    static final Cell UNKNOWN = new Cell(Integer.MIN_VALUE, 0);

    private static final int DEGREES = 15;
    private static final int AROUND = 360 / DEGREES;

    static Cell of(Optional<Region> hint) {
        return hint.map(at -> new Cell(
                        Math.floorDiv(at.latitude(), DEGREES),
                        Math.floorMod(Math.floorDiv(at.longitude(), DEGREES), AROUND)))
                .orElse(UNKNOWN);
    }
}
