package live.tributary.relay.cache;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digest;
import live.tributary.protocol.stream.RelayKey;

/**
 * Who keeps an older chunk, among the relays of a region: rendezvous hashing, so that every relay that knows the same others comes
 * to the same answer, and one that comes or goes moves only what is or was its own.
 */
public final class RegionalShare {
    /** How many relays of a region keep a chunk: one may leave at any time. */
    public static final int HOLDERS = 2;

    private RegionalShare() {}

    /** The relays that keep a chunk, the first choice first; all of them where there are no more than {@link #HOLDERS}. */
    public static List<RelayKey> holders(ChunkRecord chunk, Collection<RelayKey> region) {
        long hash = head(chunk.hash());
        List<RelayKey> ranked = new ArrayList<>(region);
        ranked.sort(Comparator.comparingLong((RelayKey relay) -> weight(relay, hash))
                .reversed()
                .thenComparing(relay -> relay));
        return ranked.size() > HOLDERS ? List.copyOf(ranked.subList(0, HOLDERS)) : List.copyOf(ranked);
    }

    /** Whether a chunk falls to {@code self}; {@code others} are the other relays of its region. */
    public static boolean fallsTo(RelayKey self, ChunkRecord chunk, Collection<RelayKey> others) {
        long hash = head(chunk.hash());
        long own = weight(self, hash);
        int before = 0;
        for (RelayKey other : others) {
            long weight = weight(other, hash);
            if (weight > own || weight == own && other.compareTo(self) < 0) {
                before++;
            }
        }
        return before < HOLDERS;
    }

    /** Keys and hashes are as good as random; what is left to do is to mix the two. */
    private static long weight(RelayKey relay, long chunk) {
        long mixed = head(relay) ^ chunk; // The finisher of MurmurHash3.
        mixed = (mixed ^ mixed >>> 33) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ mixed >>> 33;
    }

    private static long head(Digest digest) {
        return ByteBuffer.wrap(digest.bytes()).getLong();
    }
}
