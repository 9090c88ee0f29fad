package live.tributary.mesh.serve;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;

/**
 * The right to be served, for so many clients at a time; the others wait in line. Callable from any thread.
 *
 * <p>A client has a slot, waits in line once, or neither. A holder that makes no use of its slot loses it to the first in line as
 * soon as somebody comes.
 */
final class UploadSlots {
    /** One who wants a slot. */
    interface Client {
        /** A slot that was waited for is there; on the thread of whoever gave it back. */
        void slotGranted();

        /** Whether it takes nothing at present; from any thread, and without delay. */
        boolean idlesOnSlot();

        /** Its slot was given to another; on the thread of whoever came. */
        void slotTaken();
    }

    private final int slots;
    private final Set<Client> holders = new HashSet<>();
    private final Queue<Client> line = new ArrayDeque<>();

    UploadSlots(int slots) {
        this.slots = slots;
    }

    /** Whether the client has a slot now; if not, it waits in line and is told. Who holds one and takes nothing loses it. */
    boolean take(Client client) {
        if (queue(client)) {
            return true;
        }
        Change change = passOn();
        change.loser().ifPresent(Client::slotTaken);
        change.winner().filter(winner -> winner != client).ifPresent(Client::slotGranted);
        return change.winner().filter(winner -> winner == client).isPresent();
    }

    /** As {@link #take}, but takes nobody else's slot. */
    synchronized boolean queue(Client client) {
        if (holders.contains(client)) {
            return true;
        }
        if (holders.size() < slots) {
            holders.add(client);
            line.remove(client);
            return true;
        }
        if (!line.contains(client)) {
            line.add(client);
        }
        return false;
    }

    private record Change(Optional<Client> loser, Optional<Client> winner) {}

    private synchronized Change passOn() {
        Optional<Client> idle = holders.stream().filter(Client::idlesOnSlot).findFirst();
        if (idle.isEmpty() || line.isEmpty()) {
            return new Change(Optional.empty(), Optional.empty());
        }
        holders.remove(idle.get());
        Client first = line.remove();
        holders.add(first);
        return new Change(idle, Optional.of(first));
    }

    /** Gives a slot, or a place in line, back. */
    void give(Client client) {
        next(client).ifPresent(Client::slotGranted);
    }

    private synchronized Optional<Client> next(Client client) {
        line.remove(client);
        if (!holders.remove(client) || line.isEmpty()) {
            return Optional.empty();
        }
        Client next = line.remove();
        holders.add(next);
        return Optional.of(next);
    }

    /** Whether anybody waits. */
    synchronized boolean contended() {
        return !line.isEmpty();
    }
}
