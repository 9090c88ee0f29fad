package live.tributary.relay.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.tracker.UdpTrackerRequest;

/**
 * The datagrams by which other relays see that their UDP port is reached from outside: a tracker's connect (BEP 15) to each
 * endpoint that has proven itself over TCP, seldom. What they answer says nothing that this node needs.
 */
public final class UdpChecks {
    static final Duration EVERY = Duration.ofMinutes(10);
    /** Endpoints checked; a node knows no more relays than that by challenge. */
    static final int MAX_ENDPOINTS = 256;

    private final Supplier<Set<Endpoint>> proven;
    private final BiConsumer<Endpoint, ByteBuf> send;
    private final RandomGenerator random;
    private final LongSupplier nanoTime;
    private final Map<Endpoint, Long> checked = new HashMap<>();

    /**
     * @param proven where other relays have proven themselves over TCP
     * @param send sends a datagram from the node's own port, and lets go of it
     * @param random makes transaction ids
     * @param nanoTime a monotonic clock
     */
    public UdpChecks(
            Supplier<Set<Endpoint>> proven,
            BiConsumer<Endpoint, ByteBuf> send,
            RandomGenerator random,
            LongSupplier nanoTime) {
        this.proven = proven;
        this.send = send;
        this.random = random;
        this.nanoTime = nanoTime;
    }

    /** Checks who is due; to be called every now and then, by one thread. */
    public void look() {
        long now = nanoTime.getAsLong();
        Set<Endpoint> known = proven.get();
        checked.keySet().retainAll(known);
        for (Endpoint endpoint : known) {
            Long before = checked.get(endpoint);
            boolean due = before == null ? checked.size() < MAX_ENDPOINTS : now - before >= EVERY.toNanos();
            if (due) {
                checked.put(endpoint, now);
                ByteBuf datagram = Unpooled.buffer();
                UdpTrackerRequest.write(new UdpTrackerRequest.Connect(random.nextInt()), datagram);
                send.accept(endpoint, datagram);
            }
        }
    }
}
