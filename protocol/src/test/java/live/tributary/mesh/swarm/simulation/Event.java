package live.tributary.mesh.swarm.simulation;

/** Something that happens at a time; of two at the same time, the one that was planned first comes first. */
record Event(long at, long order, Runnable action) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
        int byTime = Long.compare(at, other.at);
        return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
}
