package live.tributary.mesh.http;

/** Who decides when the next bytes of a body may leave: the node's upload allowance. Called from any event loop. */
@FunctionalInterface
public interface Pace {
    /** Leaves every byte through. */
    Pace UNLIMITED = (bytes, older) -> 0;

    int USUAL_RUN = 256 * 1024;

    /**
     * Takes {@code bytes} of the allowance, or none of them.
     *
     * @param older whether they are less urgent than what viewers at the live edge wait for
     * @return 0 where they were taken; else the nanoseconds after which it is worth asking again
     */
    long take(int bytes, boolean older);

    /** Counts bytes that left without asking: answers so small that they do not queue behind chunks. */
    default void spend(int bytes) {}

    /** The most bytes worth taking at once: few turns where there is much to give, small steps where there is little. */
    default int run() {
        return USUAL_RUN;
    }
}
