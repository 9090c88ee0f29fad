package live.tributary.mesh.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelConfig;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadBacklogTest {
    private final EventLoop stream = new DefaultEventLoop();
    private final ChannelConfig channel = new EmbeddedChannel().config();
    private final ReadBacklog backlog = new ReadBacklog(stream);
    private final List<Integer> dealtWith = new ArrayList<>();
    private final CountDownLatch free = new CountDownLatch(1);

    @AfterEach
    void stop() {
        free.countDown();
        stream.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void whereTheStreamIsBusyTheChannelReadsNoMoreThanMayWait() {
        streamIsBusy();

        read(ReadBacklog.MAX_WAITING - 1);
        assertThat(channel.isAutoRead()).isTrue();
        read(1);

        assertThat(channel.isAutoRead()).isFalse();
    }

    @Test
    void itReadsOnOnceTheStreamHasCaughtUpAndNothingIsLost() throws Exception {
        streamIsBusy();
        read(2 * ReadBacklog.MAX_WAITING); // What one read brings at once is more.

        free.countDown();
        stream.submit(() -> {}).get();

        assertThat(dealtWith).hasSize(2 * ReadBacklog.MAX_WAITING).isSorted();
        assertThat(channel.isAutoRead()).isTrue();
    }

    private void streamIsBusy() {
        stream.execute(() -> {
            try {
                free.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void read(int messages) {
        for (int i = 0; i < messages; i++) {
            int message = i;
            backlog.add(channel, () -> dealtWith.add(message));
        }
    }
}
