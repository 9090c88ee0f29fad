package live.tributary.mesh.swarm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;

/**
 * Which nodes a node links to: near ones, because a piece travels a link once in each direction of its trees, and for every two
 * of them any other, because a mesh of near ones alone falls apart into islands.
 */
public final class NeighbourChoice {
    /** The round trip to a node that was never reached. */
    public static final long UNKNOWN = Long.MAX_VALUE;

    private static final int ONE_IN = 3;
    /** How many times as far a neighbour must be to be given up for another. */
    private static final int FURTHER = 2;

    private NeighbourChoice() {}

    /** All candidates in the order in which they are to be tried. */
    public static <T> List<T> inOrder(Collection<T> candidates, ToLongFunction<T> rtt, RandomGenerator random) {
        List<T> left = new ArrayList<>(candidates);
        for (int i = left.size() - 1; i > 0; i--) {
            Collections.swap(left, i, random.nextInt(i + 1)); // Of equally near ones, any.
        }
        left.sort(Comparator.comparingLong(rtt));
        List<T> order = new ArrayList<>(left.size());
        while (!left.isEmpty()) {
            boolean any = order.size() % ONE_IN == ONE_IN - 1;
            order.add(left.remove(any ? random.nextInt(left.size()) : 0));
        }
        return order;
    }

    /** The neighbour that is given up for a candidate: the furthest of those that are there for being near, if it is much further. */
    public static <T> Optional<T> givenUpFor(long candidateRtt, Collection<T> neighbours, ToLongFunction<T> rtt) {
        List<T> byDistance = new ArrayList<>(neighbours);
        byDistance.sort(Comparator.comparingLong(rtt));
        int near = byDistance.size() - byDistance.size() / ONE_IN;
        return byDistance.stream()
                .limit(near)
                .skip(Math.max(0, near - 1))
                .filter(furthest -> candidateRtt < rtt.applyAsLong(furthest) / FURTHER)
                .findFirst();
    }
}
