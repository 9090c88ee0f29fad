package live.tributary.mesh.net;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import live.tributary.mesh.admin.ChunkOutcome;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Tally;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.protocol.stream.NodeRole;

/** The links' counts. */
final class MeshTallies {
    private final Meters meters;
    private final Map<RecordResult, Tally> records;
    private final Map<ChunkOutcome, Tally> chunks;
    private final Tally sentToOrigin;
    private final Tally sentToRelays;
    private final Tally receivedFromOrigin;
    private final Tally receivedFromRelays;

    MeshTallies(Meters meters) {
        this.meters = meters;
        this.records = each(meters, Meter.RECORDS, RecordResult.class);
        this.chunks = each(meters, Meter.CHUNKS, ChunkOutcome.class);
        this.sentToOrigin = meters.tally(Meter.SENT, PeerKind.ORIGIN, Via.WIRE);
        this.sentToRelays = meters.tally(Meter.SENT, PeerKind.RELAY, Via.WIRE);
        this.receivedFromOrigin = meters.tally(Meter.RECEIVED, PeerKind.ORIGIN, Via.WIRE);
        this.receivedFromRelays = meters.tally(Meter.RECEIVED, PeerKind.RELAY, Via.WIRE);
    }

    /** All from the start: what has not happened yet is 0, not absent. */
    private static <E extends Enum<E>> Map<E, Tally> each(Meters meters, Meter meter, Class<E> results) {
        Map<E, Tally> tallies = new EnumMap<>(results);
        for (E result : results.getEnumConstants()) {
            tallies.put(result, meters.tally(meter, result));
        }
        return tallies;
    }

    void sent(NodeRole peer, int bytes) {
        (peer == NodeRole.ORIGIN ? sentToOrigin : sentToRelays).add(bytes);
    }

    void received(NodeRole peer, int bytes) {
        (peer == NodeRole.ORIGIN ? receivedFromOrigin : receivedFromRelays).add(bytes);
    }

    void record(RecordResult result) {
        Objects.requireNonNull(records.get(result)).increment();
    }

    void chunk(ChunkOutcome outcome) {
        Objects.requireNonNull(chunks.get(outcome)).increment();
    }

    void latency(Duration latency) {
        meters.record(Meter.CHUNK_LATENCY, latency);
    }
}
