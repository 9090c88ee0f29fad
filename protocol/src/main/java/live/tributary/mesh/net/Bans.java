package live.tributary.mesh.net;

import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.function.LongSupplier;

/** Who stays out for ten minutes: nodes by their key, and addresses that never proved one. */
final class Bans {
    static final Duration LENGTH = Duration.ofMinutes(10);

    private static final int MAX_BANS = 4096;

    private final LongSupplier nanoTime;
    private final Map<Object, Long> until = new HashMap<>();

    Bans(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** @param who a relay key, or an address */
    synchronized void add(Object who) {
        long now = nanoTime.getAsLong();
        if (until.size() >= MAX_BANS) {
            until.values().removeIf(end -> end - now <= 0);
            Iterator<Object> any = until.keySet().iterator();
            if (until.size() >= MAX_BANS && any.hasNext()) {
                any.next();
                any.remove();
            }
        }
        until.put(who, now + LENGTH.toNanos());
    }

    synchronized boolean has(Object who) {
        Long end = until.get(who);
        return end != null && end - nanoTime.getAsLong() > 0;
    }
}
