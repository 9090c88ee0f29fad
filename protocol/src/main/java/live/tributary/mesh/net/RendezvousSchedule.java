package live.tributary.mesh.net;

import java.time.Duration;

/** When the rendezvous is asked: eagerly while alone, seldom once there are links enough. */
final class RendezvousSchedule {
    private static final Duration NO_LINK_PRIVATE = Duration.ofSeconds(2);
    private static final Duration NO_LINK = Duration.ofSeconds(10);
    private static final Duration SOME_PRIVATE = Duration.ofSeconds(10);
    private static final Duration SOME = Duration.ofSeconds(60);
    private static final Duration ENOUGH = Duration.ofMinutes(10);

    private final boolean privateNetwork;
    private long askedAt;
    private boolean asked;

    RendezvousSchedule(boolean privateNetwork) {
        this.privateNetwork = privateNetwork;
    }

    /** Whether to ask now; if so, it counts as asked. */
    boolean isDue(int links, long now) {
        Duration every = links >= StreamLinks.ENOUGH_LINKS
                ? ENOUGH
                : links == 0 ? (privateNetwork ? NO_LINK_PRIVATE : NO_LINK) : (privateNetwork ? SOME_PRIVATE : SOME);
        if (asked && now - askedAt < every.toNanos()) {
            return false;
        }
        asked = true;
        askedAt = now;
        return true;
    }
}
