package live.tributary.mesh.swarm.simulation;

import java.util.ArrayDeque;
import live.tributary.mesh.swarm.LinkId;

/**
 * One direction of a link: what is sent arrives in order, or not at all once the link is cut.
 *
 * <p>Blocks wait for their turn on the sender's uplink; a message waits only behind blocks of the same pipe, for it is one packet
 * among those of all pipes.
 */
final class Pipe {
    private static final int PACKET = 1460;
    /** What a sender gets rid of towards somebody who reads nothing: the socket buffers of both. */
    private static final int UNREAD_LIMIT = 256 * 1024;

    final LinkId link;
    final Node from;
    final Node to;
    final long delay;
    final ArrayDeque<Parcel> waiting = new ArrayDeque<>();
    long queuedBlockBytes;
    boolean cut;
    private long lastArrival;
    private long unread;

    Pipe(LinkId link, Node from, Node to, long delay) {
        this.link = link;
        this.from = from;
        this.to = to;
        this.delay = delay;
    }

    /** Whether the receiver has stopped to take anything and all buffers are full. */
    boolean stuck() {
        return unread >= UNREAD_LIMIT;
    }

    /** Sends a parcel on its way; it has left the sender now. */
    void depart(Simulation simulation, Parcel parcel) {
        Ledger ledger = simulation.ledger;
        ledger.sent(from, parcel.bytes());
        if (cut || to.gone) {
            ledger.lost(parcel.bytes());
            unread += parcel.bytes();
            return;
        }
        if (to.readsNothing()) {
            unread += parcel.bytes();
            ledger.lost(parcel.bytes());
            return;
        }
        long now = simulation.agenda.now();
        long arrival = now + delay;
        double loss = simulation.scenario.loss();
        if (loss > 0) {
            int packets = (parcel.bytes() + PACKET - 1) / PACKET;
            for (int i = 0; i < packets; i++) {
                if (simulation.random.nextDouble() < loss) {
                    int again = Math.min(PACKET, parcel.bytes());
                    ledger.sent(from, again);
                    ledger.lost(again);
                    from.occupyUplink(again);
                    // One round trip to notice; the last packet of a burst is noticed by a probe after another.
                    arrival = Math.max(arrival, now + delay + 2 * delay * (i == packets - 1 ? 2 : 1));
                }
            }
        }
        arrival = Math.max(arrival, lastArrival);
        lastArrival = arrival;
        ledger.inFlight(parcel.bytes());
        simulation.agenda.at(arrival, () -> arrive(simulation, parcel));
    }

    private void arrive(Simulation simulation, Parcel parcel) {
        long through = to.throughDownlink(parcel.bytes());
        if (through > simulation.agenda.now()) {
            simulation.agenda.at(through, () -> deliver(simulation, parcel));
        } else {
            deliver(simulation, parcel);
        }
    }

    private void deliver(Simulation simulation, Parcel parcel) {
        simulation.ledger.inFlight(-parcel.bytes());
        if (cut || to.gone) {
            simulation.ledger.lost(parcel.bytes());
        } else {
            simulation.ledger.received(to, parcel.bytes());
            simulation.trace.delivered(this, parcel);
            to.receive(this, parcel);
        }
    }
}
