package live.tributary.mesh.swarm;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** The node at the other end of one link: what it has, what was asked of it, and how it behaved. */
final class Neighbour {
    /** The most records that are remembered as known to it. */
    private static final int MAX_KNOWN_RECORDS = 256;
    /** The most requests that are remembered as refused by it. */
    private static final int MAX_REFUSED = 1024;
    /** What a piece takes from a neighbour that has not sent one yet. */
    private static final long UNKNOWN_SERVICE = 40_000_000L;

    private static final double WEIGHT_OF_NEW = 0.25;
    private static final int LOAD_FULL = 1000;

    final LinkId link;
    final LinkPeer peer;
    /** The renditions that it says it carries; empty for all. */
    Set<Integer> carried = Set.of();
    /** The most that it will send, bits a second, by its own word; 0 until it has said so. */
    long capacity;

    final PieceRanges held = new PieceRanges();
    final Outbox outbox = new Outbox();
    final Choking.Conduct conduct = new Choking.Conduct();

    /** It refuses our requests. */
    boolean chokesUs = true;
    /** We refuse its requests. */
    boolean choked;
    /** Stripes that it pushes to us, one bit each: we grafted ourselves to it. */
    int feedsUs;
    /** Stripes that we push to it. */
    int fedByUs;

    /** Whether another child had to make room for it. */
    boolean hadRoomMade;

    int loadPerMille;
    /** Whether a good piece ever came from it. */
    boolean hasServed;
    /** Offences that may have been bad luck: requests that timed out, pushes that never came. */
    int failures;

    /** Blocks asked of it and not answered, a bit mask by piece. */
    private final Map<Long, Integer> requested = new HashMap<>();
    /** Blocks asked of it and cancelled since: it may have sent them already. */
    private final Map<Long, Integer> cancelled = new LinkedHashMap<>();

    private final Map<Long, Long> refusedUntil = new LinkedHashMap<>();
    private final LinkedHashSet<Sha256> knownRecords = new LinkedHashSet<>();
    /** What it was passed of pieces that turned out bad, blocks as a mask by piece. */
    private final Map<Long, Integer> spoilt = new LinkedHashMap<>();

    private final Map<Long, Boolean> coming = new LinkedHashMap<>();
    private int requestedBlocks;

    /** How much earlier a stripe's pieces would come from it than they came, smoothed, nanoseconds; by stripe. */
    final double[] gain = new double[LiveMessage.STRIPES];

    /** Until when pushes of a stripe are still welcome after it was left, since they may be on their way; by stripe. */
    final long[] welcomeUntil = new long[LiveMessage.STRIPES];

    /** Until when a push of a stripe by who has just left us says that the stripe's tree has turned; by stripe. */
    final long[] turnsUntil = new long[LiveMessage.STRIPES];

    final long[] noGraftBefore = new long[LiveMessage.STRIPES];
    /** From its HAVE, or our request, to the whole piece, smoothed, nanoseconds. */
    private double serviceTime = UNKNOWN_SERVICE;

    private double bytesPerNano;
    private long lastBlockAt;

    // Its records: a bucket of tokens, and how many came when it was empty.
    double recordTokens = RecordGate.RECORDS_PER_SECOND;
    long recordTokensAt;
    int recordsOverLimit;

    /** Our records to it: a bucket of tokens that stays below its limit, and whether it lacks the newest for want of them. */
    private double tellTokens = RecordGossip.TOLD_PER_SECOND;

    private long tellTokensAt;
    boolean lacksNewest;
    /** Until when it may be catching up on records, so that one alone would be of no use to it. */
    private long behindUntil;

    Neighbour(LinkId link, LinkPeer peer, long now) {
        this.link = link;
        this.peer = peer;
        this.recordTokensAt = now;
        this.tellTokensAt = now;
        this.behindUntil = now;
        this.lastBlockAt = now;
    }

    boolean isOrigin() {
        return peer.role() == NodeRole.ORIGIN;
    }

    /** Whether it fetches this rendition's chunks, by its own word; all, until it has said which. */
    boolean carries(int rendition) {
        return carried.isEmpty() || carried.contains(rendition);
    }

    boolean isRelay() {
        return peer.role() == NodeRole.RELAY;
    }

    boolean full() {
        return loadPerMille >= LOAD_FULL;
    }

    /** Whether it was asked, failed and never gave a good piece: its word is worth nothing. */
    boolean mayLie() {
        return !hasServed && failures > 0;
    }

    /** Whether it has the piece, as far as it said; an origin has what it signed. */
    boolean has(long piece) {
        return isOrigin() || held.contains(piece);
    }

    // Records

    void knows(Sha256 record) {
        if (knownRecords.add(record) && knownRecords.size() > MAX_KNOWN_RECORDS) {
            Iterator<Sha256> oldest = knownRecords.iterator();
            oldest.next();
            oldest.remove();
        }
    }

    boolean isKnownToKnow(Sha256 record) {
        return knownRecords.contains(record);
    }

    /** Whether it would listen to one more record now. */
    boolean mayBeTold(long now) {
        tellTokens = Math.min(
                RecordGossip.TOLD_PER_SECOND, tellTokens + (now - tellTokensAt) / 1e9 * RecordGossip.TOLD_PER_SECOND);
        tellTokensAt = now;
        return tellTokens >= 1;
    }

    /** A record was not told: those that follow may be too far ahead for it. */
    void leftBehind(long now) {
        lacksNewest = true;
        behindUntil = now + RecordGossip.CATCHES_UP_WITHIN;
    }

    /** Whether a piece would find its record there, or the record what it follows. */
    boolean mayBePushed(Sha256 record, long now) {
        return isKnownToKnow(record) || now >= behindUntil && mayBeTold(now);
    }

    /** It is being told a record. */
    void told(Sha256 record) {
        tellTokens--;
        knows(record);
    }

    // Requests to it

    int requestedBlocks() {
        return requestedBlocks;
    }

    void asked(long piece, int block) {
        int before = requested.getOrDefault(piece, 0);
        if ((before & 1 << block) == 0) {
            requested.put(piece, before | 1 << block);
            requestedBlocks++;
        }
    }

    boolean wasAsked(long piece, int block) {
        return (cancelled.getOrDefault(piece, 0) & 1 << block) != 0;
    }

    /** A request was answered, by its bytes or by a refusal; whether it stood. */
    boolean answered(long piece, int block) {
        Integer before = requested.get(piece);
        if (before == null || (before & 1 << block) == 0) {
            return false;
        }
        int left = before & ~(1 << block);
        if (left == 0) {
            requested.remove(piece);
        } else {
            requested.put(piece, left);
        }
        requestedBlocks--;
        return true;
    }

    /** Takes back what was asked of a piece; the blocks that were, as a mask. */
    int takeBack(long piece) {
        Integer mask = requested.remove(piece);
        if (mask == null) {
            return 0;
        }
        requestedBlocks -= Integer.bitCount(mask);
        cancelled.merge(piece, mask, (a, b) -> a | b);
        trim(cancelled);
        return mask;
    }

    void refused(long piece, long until) {
        refusedUntil.put(piece, until);
        trim(refusedUntil);
    }

    boolean refuses(long piece, long now) {
        Long until = refusedUntil.get(piece);
        return until != null && now < until;
    }

    /** It was passed some blocks of a piece that was bad, or given up: to complete it there would be to take the blame. */
    void spoil(long piece) {
        outbox.dropPush(piece);
        spoilt.put(piece, outbox.pushedOf(piece));
        trim(spoilt);
    }

    boolean isSpoilt(long piece) {
        return spoilt.containsKey(piece);
    }

    /** It asks for a block: who asks for what he was passed has thrown that away. */
    void asks(PeerMessage.Block block) {
        if ((spoilt.getOrDefault(block.piece(), 0) & 1 << block.begin() / PeerMessage.BLOCK_LENGTH) != 0) {
            spoilt.remove(block.piece());
        }
    }

    private static void trim(Map<Long, ?> map) {
        if (map.size() > MAX_REFUSED) {
            Iterator<Long> oldest = map.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
    }

    /** A piece's first bytes have reached it from elsewhere. */
    void isGetting(long piece) {
        coming.put(piece, true);
        trim(coming);
    }

    boolean gets(long piece) {
        return coming.containsKey(piece);
    }

    // What it gives

    void received(int bytes, long now) {
        double rate = bytes / (double) Math.max(1, now - lastBlockAt);
        lastBlockAt = now;
        bytesPerNano += WEIGHT_OF_NEW * (rate - bytesPerNano);
    }

    /** Bytes per nanosecond while it sends. */
    double bytesPerNano() {
        return bytesPerNano;
    }

    void served(long nanos) {
        serviceTime += WEIGHT_OF_NEW * (nanos - serviceTime);
    }

    double serviceTime() {
        return serviceTime;
    }

    /** Lets an old bad experience fade, so that it is tried again. */
    void fade(double share) {
        serviceTime += share * (UNKNOWN_SERVICE - serviceTime);
    }

    long rtt() {
        return peer.rtt().toNanos();
    }

    @Override
    public String toString() {
        return "neighbour " + link.value();
    }
}
