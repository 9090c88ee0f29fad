package live.tributary.gateway.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.random.RandomGenerator;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.protocol.metainfo.ChunkTorrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.HandshakeDecoder;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessageDecoder;
import live.tributary.protocol.wire.PeerMessageEncoder;

/** Fetches one piece of a chunk's torrent from a relay over the peer wire (plain BEP 3), as a client would, and checks it. */
public final class WirePieceFetch {
    private final Bootstrap bootstrap;
    private final RandomGenerator random;

    /** @param bootstrap for dialling, with its event loops */
    public WirePieceFetch(Bootstrap bootstrap, RandomGenerator random) {
        this.bootstrap = bootstrap;
        this.random = random;
    }

    /** Whether the relay serves the piece in time, and its bytes are what the record says. For one thread. */
    public CompletionStage<Outcome> fetch(Endpoint relay, ChunkRecord record, int piece) {
        byte[] peerId = new byte[Handshake.PEER_ID_LENGTH];
        random.nextBytes(peerId);
        return PieceProbe.dial(bootstrap, relay, verdict -> new ChannelHandler[] {
            new PeerMessageEncoder(),
            new HandshakeDecoder(),
            PeerMessageDecoder.ofTorrent(record.pieceCount()),
            new Answer(record, piece, peerId, verdict)
        });
    }

    /** Asks for the piece's blocks once it is unchoked, and hashes them when all have come. */
    private static final class Answer extends SimpleChannelInboundHandler<Object> {
        private final InfoHash torrent;
        private final ChunkRecord record;
        private final int piece;
        private final byte[] peerId;
        private final CompletableFuture<Outcome> verdict;
        private final byte[] bytes;
        private final BitSet blocks = new BitSet();
        private boolean greeted;
        private boolean asked;

        Answer(ChunkRecord record, int piece, byte[] peerId, CompletableFuture<Outcome> verdict) {
            this.torrent = ChunkTorrent.of(record).infoHash();
            this.record = record;
            this.piece = piece;
            this.peerId = peerId;
            this.verdict = verdict;
            this.bytes = new byte[record.pieceLength(piece)];
        }

        private int blockCount() {
            return (bytes.length + PeerMessage.BLOCK_LENGTH - 1) / PeerMessage.BLOCK_LENGTH;
        }

        private int lengthOf(int block) {
            return Math.min(PeerMessage.BLOCK_LENGTH, bytes.length - block * PeerMessage.BLOCK_LENGTH);
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.write(new Handshake(torrent, peerId, false, false));
            ctx.writeAndFlush(new PeerMessage.Interested());
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, Object message) {
            if (message instanceof Handshake handshake) {
                greeted = true;
                if (!handshake.infoHash().equals(torrent)) {
                    verdict.complete(Outcome.FAILED);
                }
            } else if (message instanceof PeerMessage.Unchoke && greeted && !asked) {
                asked = true;
                for (int block = 0; block < blockCount(); block++) {
                    int begin = block * PeerMessage.BLOCK_LENGTH;
                    ctx.write(new PeerMessage.Request(new PeerMessage.Block(piece, begin, lengthOf(block))));
                }
                ctx.flush();
            } else if (message instanceof PeerMessage.Piece part) {
                try {
                    take(part);
                } finally {
                    part.data().release();
                }
            } else if (message instanceof PeerMessage.Reject) {
                verdict.complete(Outcome.FAILED);
            }
        }

        private void take(PeerMessage.Piece part) {
            int block = part.begin() / PeerMessage.BLOCK_LENGTH;
            boolean wanted = asked
                    && part.piece() == piece
                    && part.begin() % PeerMessage.BLOCK_LENGTH == 0
                    && block < blockCount()
                    && part.data().readableBytes() == lengthOf(block);
            if (!wanted) {
                verdict.complete(Outcome.FAILED);
                return;
            }
            part.data().readBytes(bytes, part.begin(), lengthOf(block));
            blocks.set(block);
            if (blocks.cardinality() == blockCount()) {
                boolean good =
                        record.body().pieces().matches(piece, Digests.sha1().digest(bytes));
                verdict.complete(good ? Outcome.SERVED : Outcome.GARBAGE);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            verdict.complete(Outcome.FAILED);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            verdict.complete(Outcome.FAILED); // Whatever broke, the relay did not serve the piece: that is the verdict.
        }
    }
}
