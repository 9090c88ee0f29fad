package live.tributary.mesh.rendezvous;

import java.util.function.Consumer;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/**
 * The place where nodes that know nothing but a stream's key find each other, and its newest head.
 *
 * <p>Every method returns at once, whatever the network does, and may be called from any thread; consumers are called on a thread
 * of the rendezvous and must not block it. What is found is a candidate and proves nothing.
 */
public interface Rendezvous extends AutoCloseable {
    /** Announces this node's TCP port under an infohash, and again whenever it is due, until it is withdrawn. */
    void announce(InfoHash infoHash, int port);

    /** Announces no more; what was announced fades by itself. */
    void withdraw(InfoHash infoHash);

    /** Looks an infohash up once and gives each endpoint as it is found. */
    void findPeers(InfoHash infoHash, Consumer<Endpoint> found);

    /** Keeps this head stored in place of the one before it; an origin's only. */
    void put(SignedHead head);

    /** Asks once for a stream's head and gives each newer one as it is found, its signature checked. */
    void get(StreamKey stream, Consumer<SignedHead> found);

    @Override
    void close();

    /** The rendezvous of a node that was told to use none: it finds nobody. */
    static Rendezvous none() {
        return new NoRendezvous();
    }
}
