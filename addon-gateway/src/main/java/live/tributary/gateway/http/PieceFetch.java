package live.tributary.gateway.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.security.MessageDigest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Endpoint;

/** Fetches one piece of a chunk from a relay's edge, as a player would, and checks it against the record. */
public final class PieceFetch {
    private final Bootstrap bootstrap;

    /** @param bootstrap for dialling, with its event loops */
    public PieceFetch(Bootstrap bootstrap) {
        this.bootstrap = bootstrap;
    }

    /** Whether the relay serves the piece in time, and its bytes are what the record says. */
    public CompletionStage<Outcome> fetch(Endpoint relay, ChunkRecord record, int piece) {
        return PieceProbe.dial(bootstrap, relay, verdict ->
                new ChannelHandler[] {new HttpClientCodec(), new Answer(relay, record, piece, verdict)});
    }

    /** Asks for the piece's bytes and hashes what comes; one byte too many is as bad as one too few. */
    private static final class Answer extends SimpleChannelInboundHandler<HttpObject> {
        private final Endpoint relay;
        private final ChunkRecord record;
        private final int piece;
        private final CompletableFuture<Outcome> verdict;
        private final MessageDigest sha1 = Digests.sha1();
        private int missing;

        Answer(Endpoint relay, ChunkRecord record, int piece, CompletableFuture<Outcome> verdict) {
            this.relay = relay;
            this.record = record;
            this.piece = piece;
            this.verdict = verdict;
            this.missing = record.pieceLength(piece);
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            long from = (long) piece * ChunkRecord.PIECE_LENGTH;
            String path = "/live/" + record.body().stream().text() + "/" + record.rendition() + "/" + record.fileName();
            var request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, path, Unpooled.EMPTY_BUFFER);
            request.headers()
                    .set(HttpHeaderNames.HOST, relay.text())
                    .set(HttpHeaderNames.RANGE, "bytes=" + from + "-" + (from + missing - 1))
                    .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            ctx.writeAndFlush(request);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, HttpObject part) {
            if (part.decoderResult().isFailure()) {
                end(ctx, Outcome.FAILED);
            } else if (part instanceof HttpResponse response
                    && !response.status().equals(HttpResponseStatus.PARTIAL_CONTENT)) {
                end(ctx, Outcome.FAILED);
            } else if (part instanceof HttpContent content) {
                read(ctx, content.content());
                if (part instanceof LastHttpContent) {
                    end(ctx, outcome());
                }
            }
        }

        private Outcome outcome() {
            if (missing != 0) {
                return Outcome.FAILED;
            }
            return record.body().pieces().matches(piece, sha1.digest()) ? Outcome.SERVED : Outcome.GARBAGE;
        }

        private void read(ChannelHandlerContext ctx, ByteBuf bytes) {
            missing -= bytes.readableBytes();
            if (missing < 0) {
                end(ctx, Outcome.FAILED);
                return;
            }
            sha1.update(bytes.nioBuffer());
        }

        private void end(ChannelHandlerContext ctx, Outcome outcome) {
            verdict.complete(outcome);
            ctx.close();
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            verdict.complete(Outcome.FAILED);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            end(ctx, Outcome.FAILED); // Whatever broke, the relay did not serve the piece: that is the verdict.
        }
    }
}
