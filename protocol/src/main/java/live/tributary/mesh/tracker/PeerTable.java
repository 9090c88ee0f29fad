package live.tributary.mesh.tracker;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * The peers of one address family in a swarm: packed, found by a hash of address and port, and handed out by copying.
 *
 * <p>A peer's key is its compact endpoint (BEP 23, BEP 7), so that an answer is a piece of {@code keys}. The peers stand in three
 * zones one behind the other: reachable leechers, reachable seeders, and those whom nobody can dial. Within its zone a peer's place
 * means nothing, and each that announces changes places with another: the table is shuffled by use, so that neighbours make a random
 * answer. Invariant: {@code index} has exactly one slot for each place below {@code size}, found by probing from its hash. Not
 * thread-safe.
 */
final class PeerTable {
    static final int NOWHERE = -1;

    private static final int FIRST_CAPACITY = 8;
    private static final long MIX = 0x9e3779b97f4a7c15L;

    private final int width;
    private final long seed;
    private final RandomGenerator random;

    private byte[] keys;
    private long[] heard = new long[FIRST_CAPACITY];
    private boolean[] seeds = new boolean[FIRST_CAPACITY];
    /** Places plus one, 0 for free; twice as long as there are places at least. */
    private int[] index = new int[2 * FIRST_CAPACITY];
    /** The slot of the last peer that was found, which is mostly asked for once more. */
    private int foundAt;

    private int leechers;
    private int reachable;
    private int size;
    private int seeders;
    /** No peer was heard before this. */
    private long oldest = Long.MAX_VALUE;

    /** Hears of the peers that are forgotten. */
    interface Forgotten {
        void forgotten(byte[] keys, int at);
    }

    /**
     * @param width bytes of a compact endpoint
     * @param random shuffles, and keeps strangers from choosing whose slots they meet
     */
    PeerTable(int width, RandomGenerator random) {
        this.width = width;
        this.seed = random.nextLong();
        this.random = random;
        this.keys = new byte[FIRST_CAPACITY * width];
    }

    int size() {
        return size;
    }

    int seeders() {
        return seeders;
    }

    /** The place of a peer, or {@link #NOWHERE}. */
    int find(byte[] key) {
        if (stands(key, foundAt)) {
            return index[foundAt] - 1;
        }
        int slot = slot(key, 0);
        while (index[slot] != 0) {
            if (stands(key, slot)) {
                foundAt = slot;
                return index[slot] - 1;
            }
            slot = slot + 1 & index.length - 1;
        }
        return NOWHERE;
    }

    private boolean stands(byte[] key, int slot) {
        int at = (index[slot] - 1) * width;
        return at >= 0 && Arrays.equals(keys, at, at + width, key, 0, width);
    }

    boolean seeds(int place) {
        return seeds[place];
    }

    /** Adds a peer that is not there. */
    void add(byte[] key, boolean dialable, boolean seeding, long now) {
        if (size == heard.length) {
            grow();
        }
        int place = size;
        size++;
        System.arraycopy(key, 0, keys, place * width, width);
        occupy(place);
        // Behind all others it is in the last zone; each zone before it gives its first place away.
        if (dialable) {
            place = exchange(place, reachable);
            reachable++;
            if (!seeding) {
                place = exchange(place, leechers);
                leechers++;
            }
        }
        set(place, seeding, now);
        shuffle(place);
    }

    /** A peer that is there has announced again; whether it can be dialled does not change with its key. */
    void renew(int found, boolean dialable, boolean seeding, long now) {
        boolean wasDialable = found < reachable;
        if (wasDialable != dialable || dialable && seeding != found >= leechers) {
            byte[] key = Arrays.copyOfRange(keys, found * width, (found + 1) * width);
            remove(found);
            add(key, dialable, seeding, now);
            return;
        }
        seeders -= seeds[found] ? 1 : 0;
        set(found, seeding, now);
        shuffle(found);
    }

    private void set(int place, boolean seeding, long now) {
        seeds[place] = seeding;
        seeders += seeding ? 1 : 0;
        heard[place] = now;
        oldest = size == 1 ? now : Math.min(oldest, now);
    }

    void remove(int found) {
        int place = found;
        seeders -= seeds[place] ? 1 : 0;
        if (place < leechers) {
            leechers--;
            place = exchange(place, leechers);
        }
        if (place < reachable) {
            reachable--;
            place = exchange(place, reachable);
        }
        size--;
        place = exchange(place, size);
        vacate(place);
    }

    /** Forgets those whose last announce was before {@code time}. */
    void expire(long time, Forgotten listener) {
        if (size == 0 || oldest - time >= 0) {
            return;
        }
        long next = Long.MAX_VALUE;
        for (int place = size - 1; place >= 0; place--) {
            if (heard[place] - time < 0) {
                listener.forgotten(keys, place * width);
                // What takes its place comes from behind, where all have been looked at.
                remove(place);
            } else {
                next = Math.min(next, heard[place]);
            }
        }
        oldest = next;
    }

    /**
     * Copies up to {@code max} reachable peers.
     *
     * @param but the place of one that is left out, or {@link #NOWHERE}
     * @param leechersOnly without the seeders
     * @return how many
     */
    int copy(int max, int but, boolean leechersOnly, byte[] into, int at) {
        int zone = leechersOnly ? leechers : reachable;
        boolean leaveOut = but >= 0 && but < zone;
        int count = Math.min(max, leaveOut ? zone - 1 : zone);
        if (count <= 0) {
            return 0;
        }
        int from = random.nextInt(zone);
        int taken = copyRun(from, Math.min(count, zone - from), into, at);
        copyRun(0, count - taken, into, at + taken * width);
        if (leaveOut) {
            int met = Math.floorMod(but - from, zone);
            if (met < count) { // One further takes its place.
                copyRun((from + count) % zone, 1, into, at + met * width);
            }
        }
        return count;
    }

    private int copyRun(int place, int count, byte[] into, int at) {
        System.arraycopy(keys, place * width, into, at, count * width);
        return count;
    }

    private void shuffle(int place) {
        if (place < leechers) {
            exchange(place, random.nextInt(leechers));
        } else if (place < reachable) {
            exchange(place, leechers + random.nextInt(reachable - leechers));
        }
    }

    /** Two peers change places; returns where the first is then. */
    private int exchange(int one, int other) {
        if (one == other) {
            return one;
        }
        int slotOfOne = slotOf(one);
        int slotOfOther = slotOf(other);
        index[slotOfOne] = other + 1;
        index[slotOfOther] = one + 1;
        for (int i = 0; i < width; i++) {
            byte kept = keys[one * width + i];
            keys[one * width + i] = keys[other * width + i];
            keys[other * width + i] = kept;
        }
        long keptHeard = heard[one];
        heard[one] = heard[other];
        heard[other] = keptHeard;
        boolean keptSeeds = seeds[one];
        seeds[one] = seeds[other];
        seeds[other] = keptSeeds;
        return other;
    }

    // ---- The hash: linear probing, without tombs

    private int slotOf(int place) {
        if (index[foundAt] == place + 1) {
            return foundAt;
        }
        int slot = slot(keys, place * width);
        while (index[slot] != place + 1) {
            slot = slot + 1 & index.length - 1;
        }
        return slot;
    }

    private void occupy(int place) {
        int slot = slot(keys, place * width);
        while (index[slot] != 0) {
            slot = slot + 1 & index.length - 1;
        }
        index[slot] = place + 1;
    }

    private void vacate(int place) {
        int free = slotOf(place);
        int slot = free;
        while (true) {
            slot = slot + 1 & index.length - 1;
            if (index[slot] == 0) {
                break;
            }
            int home = slot(keys, (index[slot] - 1) * width);
            // Whoever may stand in the free slot as well as in his own moves there.
            if ((slot - home & index.length - 1) >= (slot - free & index.length - 1)) {
                index[free] = index[slot];
                free = slot;
            }
        }
        index[free] = 0;
    }

    private int slot(byte[] from, int at) {
        long mixed = seed;
        for (int i = 0; i < width; i += 2) {
            mixed = (mixed ^ (from[at + i] & 0xff) << 8 ^ from[at + i + 1] & 0xff) * MIX;
            mixed ^= mixed >>> 29;
        }
        return (int) (mixed >>> 32) & index.length - 1;
    }

    private void grow() {
        int capacity = 2 * heard.length;
        keys = Arrays.copyOf(keys, capacity * width);
        heard = Arrays.copyOf(heard, capacity);
        seeds = Arrays.copyOf(seeds, capacity);
        index = new int[2 * capacity];
        for (int place = 0; place < size; place++) {
            occupy(place);
        }
    }
}
