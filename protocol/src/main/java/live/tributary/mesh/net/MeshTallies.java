package live.tributary.mesh.net;

import java.time.Duration;
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
    private final Tally sentToOrigin;
    private final Tally sentToRelays;
    private final Tally receivedFromOrigin;
    private final Tally receivedFromRelays;

    MeshTallies(Meters meters) {
        this.meters = meters;
        this.sentToOrigin = meters.tally(Meter.SENT, PeerKind.ORIGIN, Via.WIRE);
        this.sentToRelays = meters.tally(Meter.SENT, PeerKind.RELAY, Via.WIRE);
        this.receivedFromOrigin = meters.tally(Meter.RECEIVED, PeerKind.ORIGIN, Via.WIRE);
        this.receivedFromRelays = meters.tally(Meter.RECEIVED, PeerKind.RELAY, Via.WIRE);
    }

    void sent(NodeRole peer, int bytes) {
        (peer == NodeRole.ORIGIN ? sentToOrigin : sentToRelays).add(bytes);
    }

    void received(NodeRole peer, int bytes) {
        (peer == NodeRole.ORIGIN ? receivedFromOrigin : receivedFromRelays).add(bytes);
    }

    void record(RecordResult result) {
        meters.tally(Meter.RECORDS, result).increment();
    }

    void chunk(ChunkOutcome outcome) {
        meters.tally(Meter.CHUNKS, outcome).increment();
    }

    void latency(Duration latency) {
        meters.record(Meter.CHUNK_LATENCY, latency);
    }
}
