package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.time.Duration;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.PeerExchangeMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.jspecify.annotations.Nullable;

/**
 * What one client is told of its swarm: the pieces that are here (BEP 3, 6, 16, 54) and its other clients (BEP 11); on the
 * client's event loop, but for what says otherwise.
 */
final class SwarmNews {
    static final String DONT_HAVE = "lt_donthave"; // BEP 54

    /** BEP 11: no more than one message a minute. */
    private static final Duration EXCHANGE_EVERY = Duration.ofMinutes(1);

    private final TorrentServer server;
    private final ServedTorrent torrent;
    private final ViewerConnection client;
    private final Handshake theirs;
    private final Consumer<PeerMessage> out;

    private OptionalInt theirDontHaveId = OptionalInt.empty();
    private OptionalInt theirExchangeId = OptionalInt.empty();
    private boolean superSeeded;
    private Set<Endpoint> told = Set.of();
    private long exchanged;

    /** Where other clients reach this one, once that is known. */
    private volatile @Nullable Endpoint listening;

    /** @param out sends, without a flush */
    SwarmNews(
            TorrentServer server,
            ServedTorrent torrent,
            ViewerConnection client,
            Handshake theirs,
            Consumer<PeerMessage> out) {
        this.server = server;
        this.torrent = torrent;
        this.client = client;
        this.theirs = theirs;
        this.out = out;
        this.exchanged = server.now() - EXCHANGE_EVERY.toNanos();
    }

    /** BEP 3, 6: what one has is the first message, if it is told at all. */
    void greet() {
        superSeeded = server.uplinkIsScarce() && !isStremio() && torrent.superSeed(client);
        ServedTorrent.Held held = torrent.held();
        if (theirs.fast() && (superSeeded || held.none())) {
            out.accept(new PeerMessage.HaveNone());
        } else if (superSeeded || held.none()) {
            return; // Who has nothing says nothing.
        } else if (theirs.fast() && held.all()) {
            out.accept(new PeerMessage.HaveAll());
        } else {
            out.accept(new PeerMessage.Bitfield(held.bits()));
        }
    }

    /** Whether all that is here is told, so that the client may know that nothing is wanted of it (BEP 21). */
    boolean tellsAll() {
        return !superSeeded;
    }

    private boolean isStremio() {
        return PeerId.of(theirs.peerId()).equals(PeerId.STREMIO); // A player that nobody reaches.
    }

    /** The client's extended handshake is here. */
    void introduced(ExtendedHandshake handshake, InetAddress address, Optional<Endpoint> dialled) {
        theirDontHaveId = handshake.idOf(DONT_HAVE);
        theirExchangeId = handshake.idOf(PeerExchangeMessage.EXTENSION);
        Optional<Endpoint> said = handshake.port().stream()
                .mapToObj(port -> new Endpoint(address, port))
                .findFirst();
        listening = dialled.or(() -> said)
                .filter(endpoint -> server.mayBeTold(endpoint) && !isStremio())
                .orElse(null);
        exchange();
    }

    /** A chunk of the torrent is here now, or no longer. */
    void chunk(int firstPiece, int pieces, boolean held) {
        for (int piece = firstPiece; piece < firstPiece + pieces; piece++) {
            if (!held && theirDontHaveId.isPresent()) {
                ByteBuf payload = Unpooled.buffer(Integer.BYTES).writeInt(piece);
                out.accept(new PeerMessage.Extended(theirDontHaveId.getAsInt(), payload.array()));
            } else if (held && !superSeeded) {
                out.accept(new PeerMessage.Have(piece));
            }
        }
    }

    /** The client is shown a piece of its own. */
    void show(int piece) {
        if (superSeeded) {
            out.accept(new PeerMessage.Have(piece));
        }
    }

    /** Blocks have been sent to the client: with the last of a piece it has that. */
    void given(List<PeerMessage.Block> blocks) {
        if (!superSeeded) {
            return;
        }
        for (PeerMessage.Block block : blocks) {
            int piece = (int) block.piece();
            if (block.begin() + block.length() == torrent.torrent().pieceLength(piece)) {
                torrent.given(client, piece, server.now());
            }
        }
    }

    /** Whether the client waits for pieces that others are to spread. */
    boolean isSuperSeeded() {
        return superSeeded;
    }

    /** To be called often enough that nobody waits in vain. */
    void tick() {
        if (superSeeded && (!server.uplinkIsScarce() || !torrent.isWorthSuperSeeding())) {
            superSeeded = false;
            BitSet rest = torrent.leaveSuperSeeding(client);
            for (int piece = rest.nextSetBit(0); piece >= 0; piece = rest.nextSetBit(piece + 1)) {
                out.accept(new PeerMessage.Have(piece));
            }
        } else if (superSeeded) {
            torrent.showDue(client, server.now());
        }
        exchange();
    }

    private void exchange() {
        if (theirExchangeId.isEmpty() || server.now() - exchanged < EXCHANGE_EVERY.toNanos()) {
            return;
        }
        Set<Endpoint> now = new LinkedHashSet<>();
        for (ViewerConnection other : torrent.connections()) {
            if (now.size() == PeerExchangeMessage.MAX_PEERS) {
                break; // Much the same ones as a minute ago.
            }
            if (other != client) {
                other.listening().ifPresent(now::add);
            }
        }
        List<Endpoint> added =
                now.stream().filter(endpoint -> !told.contains(endpoint)).toList();
        List<Endpoint> dropped =
                told.stream().filter(endpoint -> !now.contains(endpoint)).toList();
        if (!added.isEmpty() || !dropped.isEmpty()) {
            byte[] message = new PeerExchangeMessage(added, dropped).encode();
            server.budget().spend(message.length);
            out.accept(new PeerMessage.Extended(theirExchangeId.getAsInt(), message));
            told = now;
            exchanged = server.now();
        }
    }

    /** From any thread: where other clients reach this one. */
    Optional<Endpoint> listening() {
        return Optional.ofNullable(listening);
    }
}
