package live.tributary.mesh.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamIntake;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.mesh.store.Restored;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.PeerMessageEncoder;

/**
 * A mesh node over TCP: a {@link WireService} for the port that somebody else has bound, and the dialling side.
 *
 * <p>Made first, then given to the port as a service, then told by {@link #listeningOn} which port that is; only then may it
 * carry streams.
 */
public final class TcpMeshNode implements MeshNode, WireService {
    private static final int CHECK_THREADS = 2;
    private static final long CLOSE_SECONDS = 2;

    private final NodeContext node;
    private final Map<InfoHash, CarriedStream> streams = new ConcurrentHashMap<>();
    private final Map<ObfuscatedHash, InfoHash> obfuscated = new ConcurrentHashMap<>();

    public TcpMeshNode(MeshNodeConfig config, MeshParts parts) {
        AddressPolicy policy = new AddressPolicy(config.privateAddresses());
        this.node = new NodeContext(
                config,
                parts,
                policy,
                new OwnEndpoints(policy, config.publicAddresses()),
                new Bans(parts.nanoTime()),
                new Checks("mesh-checks", CHECK_THREADS),
                new Checks("mesh-names", 1),
                new MeshTallies(parts.meters()));
        parts.store().onEviction(record -> {
            CarriedStream stream = streams.get(InfoHash.ofMesh(record.body().stream()));
            if (stream != null) {
                stream.evicted(record);
            }
        });
    }

    /** The port at which this node is asked as a {@link WireService}. */
    public void listeningOn(int port) {
        node.own().listeningOn(port);
    }

    /** A router passes connections to this endpoint on to the node's port. */
    public void mapped(Endpoint endpoint) {
        node.own().mapped(endpoint);
    }

    public void unmapped(Endpoint endpoint) {
        node.own().unmapped(endpoint);
    }

    @Override
    public boolean take(ChannelHandlerContext context, Handshake theirs) {
        CarriedStream stream = streams.get(theirs.infoHash());
        if (stream == null) {
            return false;
        }
        Channel channel = context.channel();
        InetAddress remote = ((InetSocketAddress) channel.remoteAddress()).getAddress();
        if (!theirs.extensions() || node.bans().has(remote)) {
            channel.close();
            return true;
        }
        channel.pipeline().addLast(new PeerMessageEncoder());
        channel.writeAndFlush(PeerIds.handshake(theirs.infoHash(), node.parts().random()));
        stream.accept(channel, LinkIds.next());
        return true;
    }

    @Override
    public Optional<InfoHash> infoHash(ObfuscatedHash hash) {
        return Optional.ofNullable(obfuscated.get(hash));
    }

    @Override
    public RelayKey key() {
        return node.key().relayKey();
    }

    @Override
    public List<Endpoint> endpoints() {
        return node.own().all();
    }

    @Override
    public StreamView carry(StreamKey stream, NodeRole role) {
        if (role == NodeRole.ORIGIN) {
            throw new IllegalArgumentException("role: origin (expected: relay or listener; an origin publishes)");
        }
        return started(stream, role).shared();
    }

    @Override
    public StreamPublisher publish(SigningKey streamKey) {
        return started(streamKey.streamKey(), NodeRole.ORIGIN).entrance().publisher();
    }

    @Override
    public Optional<StreamIntake> intake(StreamKey stream) {
        return Optional.ofNullable(streams.get(InfoHash.ofMesh(stream))).map(CarriedStream::entrance);
    }

    @Override
    public void leave(StreamKey stream) {
        CarriedStream carried = streams.remove(InfoHash.ofMesh(stream));
        if (carried != null) {
            carried.close();
        }
    }

    private CarriedStream started(StreamKey stream, NodeRole role) {
        if (node.own().port() == 0) {
            throw new IllegalStateException("port: not known yet (expected: listeningOn before carrying a stream)");
        }
        boolean[] fresh = new boolean[1];
        CarriedStream carried = streams.computeIfAbsent(InfoHash.ofMesh(stream), mesh -> {
            fresh[0] = true;
            return new CarriedStream(node, node.parts().loops().next(), stream, role);
        });
        if (carried.role() != role) {
            throw new IllegalStateException("stream " + stream + ": carried as " + carried.role() + " already");
        }
        if (fresh[0]) {
            obfuscated.put(ObfuscatedHash.of(InfoHash.ofMesh(stream)), InfoHash.ofMesh(stream));
            carried.start();
        }
        return carried;
    }

    /** The streams carried now. */
    public Collection<StreamView> streams() {
        return streams.values().stream().<StreamView>map(CarriedStream::shared).toList();
    }

    /** Offers again what the cache on disk still holds; to be called once its streams are carried. */
    public CompletionStage<Restored> restore() {
        return node.parts().store().restore(record -> {
            CarriedStream stream = streams.get(InfoHash.ofMesh(record.body().stream()));
            if (stream != null) {
                stream.entrance().restored(record);
            }
        });
    }

    /** Fetches an older chunk of a carried stream from whoever has it, when there is nothing better to do. */
    public void fetch(StreamKey key, ChunkRecord record) {
        CarriedStream stream = streams.get(InfoHash.ofMesh(key));
        if (stream != null) {
            stream.entrance().wanted(record);
        }
    }

    @Override
    public ChunkBytes chunks() {
        return node.parts().store();
    }

    /** Closes every link and waits until that is done, two seconds at most. */
    @Override
    public void close() {
        List<Future<?>> closing = new ArrayList<>();
        streams.values().forEach(stream -> closing.add(stream.close()));
        streams.clear();
        obfuscated.clear();
        closing.forEach(future -> future.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS));
        node.checks().close();
        node.names().close();
    }
}
