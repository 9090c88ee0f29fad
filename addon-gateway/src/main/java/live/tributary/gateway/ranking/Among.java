package live.tributary.gateway.ranking;

import java.util.Set;
import live.tributary.protocol.stream.RelayKey;

/** Those of a table's relays that hold something, as bits by row. */
final class Among {
    private final Object table;
    private final long[] bits;
    private final int size;

    Among(RelayTable table, Set<RelayKey> holders) {
        this.table = table.identity;
        this.bits = new long[(table.size() + Long.SIZE - 1) / Long.SIZE];
        int held = 0;
        for (int row = 0; row < table.size(); row++) {
            if (holders.contains(table.rows[row].relay().key())) {
                bits[row / Long.SIZE] |= 1L << row; // The shift counts modulo 64.
                held++;
            }
        }
        this.size = held;
    }

    boolean isOf(RelayTable other) {
        return table == other.identity;
    }

    boolean has(int row) {
        return (bits[row / Long.SIZE] & 1L << row) != 0;
    }

    int size() {
        return size;
    }
}
