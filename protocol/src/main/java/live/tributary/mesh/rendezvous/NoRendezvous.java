package live.tributary.mesh.rendezvous;

import java.util.function.Consumer;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;

/** Finds nobody and tells nobody: {@code --no-dht}. */
final class NoRendezvous implements Rendezvous {
    @Override
    public void announce(InfoHash infoHash, int port) {}

    @Override
    public void withdraw(InfoHash infoHash) {}

    @Override
    public void findPeers(InfoHash infoHash, Consumer<Endpoint> found) {}

    @Override
    public void put(SignedHead head) {}

    @Override
    public void get(StreamKey stream, Consumer<SignedHead> found) {}

    @Override
    public void close() {}
}
