package live.tributary.mesh.net;

import java.util.concurrent.atomic.AtomicLong;
import live.tributary.mesh.swarm.LinkId;

/** Numbers for links, each given once in a process. */
final class LinkIds {
    private static final AtomicLong LAST = new AtomicLong();

    private LinkIds() {}

    static LinkId next() {
        return new LinkId(LAST.incrementAndGet());
    }
}
