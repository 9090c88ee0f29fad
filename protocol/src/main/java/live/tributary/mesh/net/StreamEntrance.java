package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import java.util.List;
import java.util.function.ObjLongConsumer;
import live.tributary.mesh.StreamIntake;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;

/** The way into a carried stream for what comes by no link: from any thread, handed to the stream's own. */
final class StreamEntrance implements StreamIntake {
    private final NodeContext node;
    private final EventLoop loop;
    private final SwarmDrive drive;
    private final ChunkBlocks blocks;
    private final StreamLinks links;
    private final RelayGossip gossip;
    private final StreamView view;

    StreamEntrance(
            NodeContext node,
            EventLoop loop,
            SwarmDrive drive,
            ChunkBlocks blocks,
            StreamLinks links,
            RelayGossip gossip,
            StreamView view) {
        this.node = node;
        this.loop = loop;
        this.drive = drive;
        this.blocks = blocks;
        this.links = links;
        this.gossip = gossip;
        this.view = view;
    }

    @Override
    public void take(SignedHead head) {
        tell((swarm, at) -> swarm.learnt(head, at));
    }

    @Override
    public void take(About about) {
        tell((swarm, at) -> swarm.learnt(about, at));
    }

    @Override
    public void take(ChunkRecord record) {
        tell((swarm, at) -> swarm.learnt(record, at));
    }

    @Override
    public void take(LiveMessage.Stored stored) {
        tell((swarm, at) -> swarm.learnt(stored, at));
    }

    @Override
    public void take(KeyEnd end) {
        tell((swarm, at) -> swarm.learnt(end, at));
    }

    @Override
    public void take(List<RelayDescriptor> relays) {
        run(() -> gossip.heard(relays));
    }

    /** A chunk that the cache still holds whole. */
    void restored(ChunkRecord record) {
        run(() -> {
            blocks.held(record);
            drive.call((swarm, at) -> swarm.restored(record, at));
        });
    }

    /** An older chunk that this node is to have. */
    void wanted(ChunkRecord record) {
        tell((swarm, at) -> swarm.wanted(record, at));
    }

    /** The origin's hand on this stream. */
    StreamPublisher publisher() {
        return new Publisher();
    }

    private final class Publisher implements StreamPublisher {
        @Override
        public StreamView view() {
            return view;
        }

        @Override
        public void publish(ChunkRecord record, ByteBuf bytes) {
            if (!node.parts().store().put(record, bytes)) {
                throw new IllegalStateException(
                        record + ": no room in the store (expected: a memory cap of several chunks)");
            }
            run(() -> {
                blocks.held(record);
                drive.call((swarm, at) -> swarm.publish(record, at));
            });
        }

        @Override
        public void publishAgain(ChunkRecord record, ByteBuf bytes) {
            if (!node.parts().store().holds(record) && node.parts().store().put(record, bytes)) {
                restored(record);
            }
        }

        @Override
        public void publish(SignedHead signed) {
            node.parts().rendezvous().put(signed);
            take(signed);
        }

        @Override
        public void publish(About news) {
            take(news);
        }

        @Override
        public void publish(LiveMessage.Stored stored) {
            take(stored);
        }

        @Override
        public void send(LiveMessage.Put put) {
            run(() -> links.neighbour(put.order().relay()).filter(Link::isUp).ifPresent(link -> link.send(put)));
        }
    }

    private void tell(ObjLongConsumer<LiveSwarm> news) {
        run(() -> drive.call(news));
    }

    /** At once where the caller is the stream's thread. */
    void run(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else if (!loop.isShuttingDown()) {
            loop.execute(task);
        }
    }
}
