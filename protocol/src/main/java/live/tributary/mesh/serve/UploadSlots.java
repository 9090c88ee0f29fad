package live.tributary.mesh.serve;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;

/**
 * The right to be served, for so many clients at a time; the others wait in line. Callable from any thread.
 *
 * <p>A client has a slot, waits in line once, or neither.
 */
final class UploadSlots {
    /** One who wants a slot. */
    interface Client {
        /** A slot that was waited for is there; on the thread of whoever gave it back. */
        void slotGranted();
    }

    private final int slots;
    private final Set<Client> holders = new HashSet<>();
    private final Queue<Client> line = new ArrayDeque<>();

    UploadSlots(int slots) {
        this.slots = slots;
    }

    /** Whether the client has a slot now; if not, it waits in line and is told. */
    synchronized boolean take(Client client) {
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
