package live.tributary.mesh.serve;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pieces of one torrent as they are shown to those of its clients that shall pass them on, each piece to one of them first
 * (BEP 16).
 *
 * <p>A client is shown few pieces at a time, the lowest that fewest have. The next one comes when another client has a piece that
 * was shown to it; one whose pieces nobody takes is not made to wait for long, since the others may not reach it. Does no I/O;
 * not thread-safe.
 *
 * <p>Invariant: a piece is open for a client while it was shown to it, no other has it, and its patience is not over.
 *
 * @param <C> who a client is
 */
final class SuperSeeding<C> {
    /** Pieces of 64 KiB that a client may be shown and nobody else have: enough to keep its line busy. */
    static final int OPEN = 4;
    /** How long a client that has a piece waits for another to take it from it. */
    static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final long NOT_YET = Long.MIN_VALUE;

    private final int pieces;
    /** How many clients have, or were shown, each piece. */
    private final int[] copies;

    private final BitSet here = new BitSet();
    private final Map<C, Leech> leeches = new HashMap<>();
    /** For whom each piece is open, if for anybody. */
    private final Map<Integer, Set<C>> openFor = new HashMap<>();

    /** What one client has, was shown, and has not passed on yet. */
    private static final class Leech {
        final BitSet has = new BitSet();
        final BitSet shown = new BitSet();
        /** Since when it has each open piece; {@link #NOT_YET} while it has not. */
        final Map<Integer, Long> open = new HashMap<>();
    }

    /** A piece that a client is to be told of. */
    record Shown<C>(C client, int piece) {}

    SuperSeeding(int pieces) {
        this.pieces = pieces;
        this.copies = new int[pieces];
    }

    /** The node holds a piece now, or no longer. */
    void held(int piece, boolean held) {
        here.set(piece, held);
    }

    int members() {
        return leeches.size();
    }

    /** A client that has been told of nothing; what it is to be told of now. */
    List<Shown<C>> join(C client) {
        leeches.put(client, new Leech());
        return fill(client);
    }

    /** A client that left, or is to be treated as any other; what it was not told of, though it is here. */
    BitSet leave(C client) {
        Leech leech = leeches.remove(client);
        BitSet rest = (BitSet) here.clone();
        if (leech != null) {
            leech.open.keySet().forEach(piece -> closeFor(client, piece));
            for (int piece = leech.shown.nextSetBit(0); piece >= 0; piece = leech.shown.nextSetBit(piece + 1)) {
                copies[piece]--;
            }
            rest.andNot(leech.shown);
        }
        return rest;
    }

    /** A client, member or not, says that it has a piece; whom that earns what. */
    List<Shown<C>> has(C client, int piece, long now) {
        Leech own = leeches.get(client);
        if (own != null && piece < pieces && !own.has.get(piece)) {
            own.has.set(piece);
            own.open.replace(piece, NOT_YET, now);
            count(own, piece);
        }
        List<Shown<C>> shown = new ArrayList<>();
        for (C other : List.copyOf(openFor.getOrDefault(piece, Set.of()))) {
            Leech passedOn = leeches.get(other);
            if (passedOn != null && !other.equals(client)) {
                passedOn.open.remove(piece);
                closeFor(other, piece);
                shown.addAll(fill(other));
            }
        }
        return shown;
    }

    private void closeFor(C client, int piece) {
        openFor.computeIfPresent(piece, (closed, clients) -> {
            clients.remove(client);
            return clients.isEmpty() ? null : clients;
        });
    }

    /** All of a piece was sent to a client; not every client says that it has one. */
    void given(C client, int piece, long now) {
        Leech leech = leeches.get(client);
        if (leech != null) {
            leech.open.replace(piece, NOT_YET, now);
        }
    }

    private void count(Leech leech, int piece) {
        if (!leech.shown.get(piece)) {
            leech.shown.set(piece);
            copies[piece]++;
        }
    }

    /** What a client is to be told of now, its patience considered. */
    List<Shown<C>> due(C client, long now) {
        Leech leech = leeches.get(client);
        if (leech == null) {
            return List.of();
        }
        leech.open.entrySet().removeIf(open -> {
            boolean over = open.getValue() != NOT_YET && now - open.getValue() >= PATIENCE.toNanos();
            if (over) {
                closeFor(client, open.getKey());
            }
            return over;
        });
        return fill(client);
    }

    private List<Shown<C>> fill(C client) {
        Leech leech = leeches.get(client);
        List<Shown<C>> shown = new ArrayList<>();
        while (leech != null && leech.open.size() < OPEN) {
            int piece = rarest(leech);
            if (piece < 0) {
                break;
            }
            count(leech, piece);
            leech.open.put(piece, NOT_YET);
            openFor.computeIfAbsent(piece, open -> new HashSet<>()).add(client);
            shown.add(new Shown<>(client, piece));
        }
        return shown;
    }

    /** The lowest of the pieces that fewest were shown, for a client that was not; -1 for none. */
    private int rarest(Leech leech) {
        int best = -1;
        for (int piece = here.nextSetBit(0); piece >= 0; piece = here.nextSetBit(piece + 1)) {
            if (!leech.shown.get(piece) && (best < 0 || copies[piece] < copies[best])) {
                best = piece;
                if (copies[piece] == 0) {
                    break;
                }
            }
        }
        return best;
    }
}
