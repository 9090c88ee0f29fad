package live.tributary.gateway.ranking;

import java.util.Optional;
import java.util.OptionalLong;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.RelayKey;

/**
 * A relay that a viewer may be sent to.
 *
 * @param endpoint the one of the viewer's address family
 * @param hostPort the same as text
 * @param tlsName under which to ask it by https; empty where plain http is to be used
 * @param kilometres its distance as far as known, 0 where not
 * @param score among those equally near: the higher, the earlier
 */
public record RankedRelay(
        RelayView relay,
        Endpoint endpoint,
        String hostPort,
        Optional<String> tlsName,
        OptionalLong autonomousSystem,
        double kilometres,
        Nearness nearness,
        double score) {
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

    /** Whether it is within 1.5 × the nearest's distance. */
    public boolean near() {
        return nearness != Nearness.FAR;
    }

    public RelayKey key() {
        return relay.key();
    }

    /** Where its edge answers this viewer, without a slash at the end. */
    public String httpBase() {
        return tlsName.map(name -> "https://" + name + ":" + endpoint.port()).orElse("http://" + hostPort);
    }

    public String chunkUrl(ChunkRecord record) {
        return httpBase() + "/live/" + record.body().stream().text() + "/" + record.rendition() + "/"
                + record.fileName();
    }

    /** Trackers are asked by torrent clients, which know no mixed content: always plain. */
    public String httpTracker() {
        return "http://" + hostPort + "/announce";
    }

    public String udpTracker() {
        return "udp://" + hostPort + "/announce";
    }
}
