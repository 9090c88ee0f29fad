package live.tributary.mesh.swarm.simulation;

/** The count of all bytes: what is sent is received, lost, or still on its way. */
final class Ledger {
    private long sent;
    private long received;
    private long lost;
    private long inFlight;

    void sent(Node from, long bytes) {
        sent += bytes;
        from.sentBytes += bytes;
    }

    void received(Node to, long bytes) {
        received += bytes;
        to.receivedBytes += bytes;
    }

    void lost(long bytes) {
        lost += bytes;
    }

    void inFlight(long bytes) {
        inFlight += bytes;
    }

    long received() {
        return received;
    }

    /** @throws IllegalStateException if a byte is unaccounted for */
    void check() {
        if (sent != received + lost + inFlight) {
            throw new IllegalStateException("sent " + sent + " (expected: received " + received + " + lost " + lost
                    + " + on the way " + inFlight + ")");
        }
    }

    @Override
    public String toString() {
        return "sent " + sent + ", received " + received + ", lost " + lost + ", on the way " + inFlight;
    }
}
