package live.tributary.mesh.net;

import io.netty.channel.EventLoopGroup;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.mesh.store.ChunkStore;

/**
 * What a mesh node is built from; all of it belongs to the caller, who closes it after the node.
 *
 * @param loops the event loops for links; each stream is driven by one of them
 * @param nanoTime a monotonic clock, nanoseconds
 */
public record MeshParts(
        Transport transport,
        EventLoopGroup loops,
        ChunkStore store,
        Rendezvous rendezvous,
        UploadBudget budget,
        Meters meters,
        InstantSource clock,
        LongSupplier nanoTime,
        SecureRandom random) {
    /** With the system's clocks and randomness. */
    public static MeshParts of(
            Transport transport,
            EventLoopGroup loops,
            ChunkStore store,
            Rendezvous rendezvous,
            UploadBudget budget,
            Meters meters) {
        return new MeshParts(
                transport,
                loops,
                store,
                rendezvous,
                budget,
                meters,
                InstantSource.system(),
                System::nanoTime,
                new SecureRandom());
    }
}
