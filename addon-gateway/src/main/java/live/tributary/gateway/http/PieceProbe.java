package live.tributary.gateway.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.protocol.stream.Endpoint;

/** One connection to a relay for the sake of a verdict: who cannot be dialled or takes too long has failed, and the verdict ends it. */
final class PieceProbe {
    /** From dialling to the last byte: a relay that is slower is no good for live. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private PieceProbe() {}

    /** @param handlers of the connection, which complete the verdict */
    static CompletionStage<Outcome> dial(
            Bootstrap bootstrap, Endpoint relay, Function<CompletableFuture<Outcome>, ChannelHandler[]> handlers) {
        CompletableFuture<Outcome> verdict = new CompletableFuture<>();
        bootstrap
                .clone()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(new ReadTimeoutHandler(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                                .addLast(handlers.apply(verdict));
                        verdict.whenComplete((outcome, failure) -> channel.close());
                    }
                })
                .connect(relay.socketAddress())
                .addListener(connected -> {
                    if (!connected.isSuccess()) {
                        verdict.complete(Outcome.FAILED);
                    }
                });
        return verdict.completeOnTimeout(Outcome.FAILED, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }
}
