package live.tributary.mesh.swarm;

import java.util.Collection;
import java.util.List;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import org.jspecify.annotations.Nullable;

/**
 * The telling of records: each link hears of each once, and of no more in a second than it would listen to.
 *
 * <p>What a link is not told in time it asks for, once it has been told the newest.
 */
final class RecordGossip {
    /**
     * How many records a second one link is told, and at once after a pause: a little less than what it would refuse. Whoever
     * publishes more at a time tells the newest a moment later, and is asked for what came before.
     */
    static final double TOLD_PER_SECOND = 0.8 * RecordGate.RECORDS_PER_SECOND;

    /** In this time a link has asked for what it was not told. */
    static final long CATCHES_UP_WITHIN = 10_000_000_000L;

    /** The most links to which an origin sends a record of its own. */
    static final int ORIGIN_LINKS = 4;

    private final SwarmActions actions;
    private final Collection<Neighbour> neighbours;

    RecordGossip(SwarmActions actions, Collection<Neighbour> neighbours) {
        this.actions = actions;
        this.neighbours = neighbours;
    }

    /** Tells a new link the newest record of a rendition. */
    void greet(Neighbour neighbour, ChunkRecord newest) {
        actions.send(neighbour.link, new LiveMessage.RecordNews(newest));
        neighbour.knows(newest.hash());
    }

    /** Sends a record of this origin's own to a few links, in the order in which they are preferred; the mesh carries it on. */
    void publish(ChunkRecord record, List<Neighbour> preferred, long now) {
        int sent = 0;
        for (Neighbour neighbour : preferred) {
            if (sent < ORIGIN_LINKS && !neighbour.isKnownToKnow(record.hash())) {
                tellInTime(neighbour, record, now);
                sent++;
            }
        }
    }

    /** Sends a record on to all but the origin and, if it came by a link, that one. */
    void forward(ChunkRecord record, @Nullable Neighbour from, long now) {
        for (Neighbour neighbour : neighbours) {
            if (neighbour != from && !neighbour.isOrigin() && !neighbour.isKnownToKnow(record.hash())) {
                tellInTime(neighbour, record, now);
            }
        }
    }

    private void tellInTime(Neighbour neighbour, ChunkRecord record, long now) {
        if (neighbour.mayBeTold(now)) {
            tell(neighbour, record);
        } else {
            neighbour.leftBehind(now);
        }
    }

    /** Tells each rendition's newest to those that would not have listened before. */
    void tellNewest(List<ChunkRecord> newest) {
        for (Neighbour neighbour : neighbours) {
            for (ChunkRecord record : neighbour.lacksNewest ? newest : List.<ChunkRecord>of()) {
                if (!neighbour.isKnownToKnow(record.hash())) {
                    tell(neighbour, record);
                }
            }
            neighbour.lacksNewest = false;
        }
    }

    /** Tells a record whether or not it would listen: a push without its record would be of no use. */
    void tell(Neighbour neighbour, ChunkRecord record) {
        neighbour.told(record.hash());
        actions.send(neighbour.link, new LiveMessage.RecordNews(record));
    }
}
