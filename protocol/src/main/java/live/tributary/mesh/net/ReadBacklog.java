package live.tributary.mesh.net;

import io.netty.channel.ChannelConfig;
import io.netty.channel.EventLoop;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What was read from one link's channel and waits for the stream's thread; while that is much, the channel reads nothing more.
 *
 * <p>Small messages are read several times faster than they are dealt with, so without this an end that sends them without pause
 * would have this node's memory.
 */
final class ReadBacklog {
    /** The most messages that wait, but for what one read brings at once; blocks among them are 4 MiB. */
    static final int MAX_WAITING = 256;

    private final EventLoop loop;
    private final AtomicInteger waiting = new AtomicInteger();

    ReadBacklog(EventLoop loop) {
        this.loop = loop;
    }

    /** Hands over what a message is for; called on the channel's thread. */
    void add(ChannelConfig channel, Runnable task) {
        if (waiting.incrementAndGet() >= MAX_WAITING) {
            channel.setAutoRead(false);
        }
        loop.execute(() -> {
            try {
                task.run();
            } finally {
                if (waiting.decrementAndGet() <= MAX_WAITING / 2 && !channel.isAutoRead()) {
                    channel.setAutoRead(true);
                }
            }
        });
    }
}
