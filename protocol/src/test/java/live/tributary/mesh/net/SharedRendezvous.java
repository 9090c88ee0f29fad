package live.tributary.mesh.net;

import java.net.InetAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import live.tributary.mesh.rendezvous.Rendezvous;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** A rendezvous within one process. */
final class SharedRendezvous implements Rendezvous {
    private final Map<InfoHash, Set<Endpoint>> announced = new ConcurrentHashMap<>();
    private final Map<StreamKey, SignedHead> heads = new ConcurrentHashMap<>();

    @Override
    public void announce(InfoHash infoHash, int port) {
        announced
                .computeIfAbsent(infoHash, i -> ConcurrentHashMap.newKeySet())
                .add(new Endpoint(InetAddress.getLoopbackAddress(), port));
    }

    @Override
    public void withdraw(InfoHash infoHash) {}

    @Override
    public void findPeers(InfoHash infoHash, Consumer<Endpoint> found) {
        announced.getOrDefault(infoHash, Set.of()).forEach(found);
    }

    @Override
    public void put(SignedHead head) {
        heads.put(head.stream(), head);
    }

    @Override
    public void get(StreamKey stream, Consumer<SignedHead> found) {
        SignedHead head = heads.get(stream);
        if (head != null) {
            found.accept(head);
        }
    }

    @Override
    public void close() {}
}
