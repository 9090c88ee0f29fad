package live.tributary.gateway.ranking;

import java.util.Optional;
import java.util.OptionalLong;
import live.tributary.gateway.geo.Place;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/** A relay that a viewer may be sent to. */
public final class RankedRelay {
    private final RelayTable.Row row;
    private final double cosine;
    private final Nearness nearness;
    private final double score;

    /** @param cosine of the angle that counts as its distance */
    RankedRelay(RelayTable.Row row, double cosine, Nearness nearness, double score) {
        this.row = row;
        this.cosine = cosine;
        this.nearness = nearness;
        this.score = score;
    }

    /** How near a relay is to a viewer, nearest first. */
    public enum Nearness {
        /** In the viewer's own /24 or /48. */
        SAME_NETWORK,
        /** Near, and in the viewer's own AS: the bytes leave no provider. */
        SAME_AS,
        /** Within 1.5 × the nearest's distance. */
        NEAR,
        FAR
    }

    public RelayView relay() {
        return row.relay();
    }

    public RelayKey key() {
        return row.relay().key();
    }

    /** The one of the viewer's address family. */
    public Endpoint endpoint() {
        return row.endpoint();
    }

    /** Under which to ask it by https; empty where plain http is to be used. */
    public Optional<String> tlsName() {
        return row.tlsName();
    }

    public OptionalLong autonomousSystem() {
        return row.autonomousSystem();
    }

    /** Its distance as far as known, 0 where not. */
    public double kilometres() {
        return Math.acos(Math.min(1, cosine)) * Place.EARTH_RADIUS_KM;
    }

    public Nearness nearness() {
        return nearness;
    }

    /** Whether it is within 1.5 × the nearest's distance. */
    public boolean near() {
        return nearness != Nearness.FAR;
    }

    /** Among those equally near: the higher, the earlier. */
    public double score() {
        return score;
    }

    /** Where its edge answers this viewer, without a slash at the end. */
    public String httpBase() {
        return row.urls().httpBase;
    }

    public String chunkUrl(ChunkRecord record) {
        return httpBase() + "/live/" + record.body().stream().text() + "/" + record.rendition() + "/"
                + record.fileName();
    }

    /** Trackers are asked by torrent clients, which know no mixed content: always plain. */
    public String httpTracker() {
        return row.urls().httpTracker;
    }

    public String udpTracker() {
        return row.urls().udpTracker;
    }

    /** {@link #httpTracker} as it is sent; not to be written to. */
    public byte[] httpTrackerAscii() {
        return row.urls().httpTrackerAscii;
    }

    /** {@link #udpTracker} as it is sent; not to be written to. */
    public byte[] udpTrackerAscii() {
        return row.urls().udpTrackerAscii;
    }

    @Override
    public String toString() {
        return row.urls().hostPort + " " + nearness;
    }
}
