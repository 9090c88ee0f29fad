package live.tributary.origin.ingest;

/** Where a feed stands. */
public enum FeedState {
    /** No live content, whatever playlist may lie there. */
    OFFLINE,
    /** New segments are listed, none is complete yet. */
    STARTING,
    LIVE,
    /** Live, but silent for longer than its segments explain. */
    STALLED,
    /** The feed said that it ended; the broadcaster may come back within the grace. */
    ENDING;

    /** Whether viewers should still be told that the stream runs. */
    public boolean isOn() {
        return this != OFFLINE;
    }
}
