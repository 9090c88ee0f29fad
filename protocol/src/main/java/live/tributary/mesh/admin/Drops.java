package live.tributary.mesh.admin;

import java.util.List;
import java.util.stream.Stream;

/** The connections that a node refused or ended, counted by reason. Callable from any thread. */
public final class Drops {
    /** By the reasons' ordinals. */
    private final List<Tally> tallies;

    public Drops(Meters meters) {
        tallies = Stream.of(DropReason.values())
                .map(reason -> meters.tally(Meter.DROPPED, reason))
                .toList();
    }

    public void count(DropReason reason) {
        tallies.get(reason.ordinal()).increment();
    }

    public long sum(DropReason reason) {
        return tallies.get(reason.ordinal()).sum();
    }
}
