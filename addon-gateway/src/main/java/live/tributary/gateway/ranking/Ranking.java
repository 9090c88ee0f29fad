package live.tributary.gateway.ranking;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import live.tributary.protocol.stream.RelayKey;

/**
 * The relays of one stream in one viewer's order, and those that are left out.
 *
 * @param offered best first
 */
public record Ranking(List<RankedRelay> offered, List<LeftOut> leftOut, boolean privateMode) {
    /** What two verified holders are to be: enough relays (the word with a number). */
    private static final int ENOUGH = 2;

    public Ranking {
        offered = List.copyOf(offered);
        leftOut = List.copyOf(leftOut);
    }

    /**
     * At most {@code max} of the offered relays that {@code eligible} takes: at most half of them (rounded up) from one AS, and the last one
     * a far one, where there is one, so that a region's outage does not take all.
     */
    public List<RankedRelay> pick(int max, Predicate<RankedRelay> eligible) {
        int most = (max + 1) / 2;
        List<RankedRelay> picked = new ArrayList<>();
        for (RankedRelay relay : offered) {
            if (picked.size() >= max) {
                break;
            }
            if (ofItsAs(picked, relay) < most && eligible.test(relay)) {
                picked.add(relay);
            }
        }
        if (picked.size() == max && max > 1 && picked.stream().allMatch(RankedRelay::near)) {
            List<RankedRelay> nearest = picked.subList(0, max - 1);
            offered.stream()
                    .filter(relay -> !relay.near() && ofItsAs(nearest, relay) < most && eligible.test(relay))
                    .findFirst()
                    .ifPresent(far -> picked.set(max - 1, far));
        }
        return List.copyOf(picked);
    }

    private long ofItsAs(List<RankedRelay> picked, RankedRelay relay) {
        return privateMode || relay.autonomousSystem().isEmpty()
                ? 0
                : picked.stream()
                        .filter(other -> other.autonomousSystem().equals(relay.autonomousSystem()))
                        .count();
    }

    /**
     * Whether enough relays hold something: two, both near, or as many as there are where there are fewer.
     *
     * <p>Deviation from the plain "two within 1.5 × the nearest's distance": where only one relay is near at all, it and any
     * second one suffice, and in a mesh of one relay that one does.
     */
    public boolean enough(Set<RelayKey> holders) {
        int wanted = Math.min(ENOUGH, offered.size());
        int holding = 0;
        int near = 0;
        int holdingNear = 0;
        for (RankedRelay relay : offered) { // The near ones first, so that the first few settle it as a rule.
            boolean holds = holders.contains(relay.key());
            holding += holds ? 1 : 0;
            near += relay.near() ? 1 : 0;
            holdingNear += holds && relay.near() ? 1 : 0;
            boolean allNearSeen = !relay.near();
            if (holding >= wanted
                    && (holdingNear >= ENOUGH || (allNearSeen && holdingNear >= Math.min(ENOUGH, near)))) {
                return true;
            }
        }
        return !offered.isEmpty() && holding >= wanted && holdingNear >= Math.min(ENOUGH, near);
    }
}
