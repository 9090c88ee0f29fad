package live.tributary.mesh.tracker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.ScrapeResponse;
import live.tributary.protocol.tracker.WebTrackerRequest;
import live.tributary.protocol.tracker.WebTrackerResponse;
import org.jspecify.annotations.Nullable;

/**
 * The browsers of one infohash, and the offers that they have not answered yet.
 *
 * <p>A browser dials nobody and is dialled by nobody: the tracker hands its offers on, and the answers back. So a member is a
 * connection, under one peer id that no other may use while it lasts, and an answer is passed on only to whoever made that offer to
 * that member. Invariant: {@code members}, {@code byId} and {@code order} hold the same members, {@code members} in order of last
 * announce, the oldest first. Not thread-safe.
 */
final class WebSwarm {
    /** How long an offer may be answered. */
    static final long OFFER_LIFETIME = TimeUnit.SECONDS.toNanos(120);

    private final int maxMembers;
    private final RandomGenerator random;
    private final Map<Connection, Member> members = new LinkedHashMap<>();
    private final Map<PeerId, Member> byId = new HashMap<>();
    private final List<Member> order = new ArrayList<>();
    private int seeders;
    private int completed;

    /** A browser's connection, equal only to itself. */
    interface Connection {
        /** Whether what was sent has left, but for a little. */
        boolean keepsUp();

        void send(WebTrackerResponse message);

        /** Somebody else says that he is who this is: it had better show that it is still there. */
        void prove();
    }

    /** What became of an announce or an answer. */
    enum Outcome {
        TAKEN,
        LEFT,
        /** The peer id is another connection's. */
        NOT_YOURS,
        FULL,
        /** An answer to no offer that is awaited. */
        NOT_ASKED
    }

    /** Whom an announce told, and whom it could not. */
    record Passed(Outcome outcome, int offers, int dropped) {
        static Passed none(Outcome outcome) {
            return new Passed(outcome, 0, 0);
        }
    }

    private static final class Member {
        final Connection connection;
        final PeerId id;
        final AwaitedAnswers awaited = new AwaitedAnswers();
        boolean seeds;
        long announced;
        int place;

        Member(Connection connection, PeerId id) {
            this.connection = connection;
            this.id = id;
        }
    }

    /** @param random chooses who gets an offer */
    WebSwarm(TrackerLimits limits, RandomGenerator random) {
        this.maxMembers = limits.peersPerSwarm();
        this.random = random;
    }

    Passed announce(WebTrackerRequest.Announce request, Connection connection, long now) {
        Member holder = byId.get(request.peerId());
        if (holder != null && holder.connection != connection) {
            holder.connection.prove();
            return Passed.none(Outcome.NOT_YOURS);
        }
        Member member = members.remove(connection);
        if (request.event() == AnnounceEvent.STOPPED) {
            forget(member);
            return Passed.none(Outcome.LEFT);
        }
        if (member != null && member != holder) { // The same browser under another name.
            forget(member);
            member = null;
        }
        if (member == null) {
            if (members.size() >= maxMembers) {
                return Passed.none(Outcome.FULL);
            }
            member = new Member(connection, request.peerId());
            member.place = order.size();
            order.add(member);
            byId.put(member.id, member);
        }
        if (request.event() == AnnounceEvent.COMPLETED && !member.seeds) {
            completed++;
        }
        seeders += (request.seeds() ? 1 : 0) - (member.seeds ? 1 : 0);
        member.seeds = request.seeds();
        member.announced = now;
        members.put(connection, member);
        return pass(request, member, now);
    }

    /** Gives each offer to one other, chosen at random among those that take it. */
    private Passed pass(WebTrackerRequest.Announce request, Member from, long now) {
        int wanted = Math.min(
                request.wanted().orElse(Integer.MAX_VALUE), request.offers().size());
        int passed = 0;
        int dropped = 0;
        // A shuffle of the front only, in place: the order of the list means nothing to anybody.
        for (int front = 0; front < order.size() && passed + dropped < wanted; front++) {
            swap(front, front + random.nextInt(order.size() - front));
            Member other = order.get(front);
            if (other == from || other.seeds && from.seeds) {
                continue;
            }
            if (!other.connection.keepsUp()) {
                dropped++;
                continue;
            }
            WebTrackerRequest.Offer offer = request.offers().get(passed);
            other.awaited.add(from.id, offer.id(), now);
            other.connection.send(new WebTrackerResponse.Offered(request.infoHash(), from.id, offer));
            passed++;
        }
        return new Passed(Outcome.TAKEN, passed, dropped);
    }

    Outcome answer(WebTrackerRequest.Answer request, Connection connection, long now) {
        Member member = members.get(connection);
        if (member == null || !member.id.equals(request.peerId())) {
            return Outcome.NOT_YOURS;
        }
        OptionalLong offered = member.awaited.take(request.to(), request.offerId());
        Member to = byId.get(request.to());
        boolean awaited = offered.isPresent() && now - offered.getAsLong() <= OFFER_LIFETIME;
        if (!awaited || to == null || !to.connection.keepsUp()) {
            return Outcome.NOT_ASKED;
        }
        to.connection.send(
                new WebTrackerResponse.Answered(request.infoHash(), member.id, request.offerId(), request.answer()));
        return Outcome.TAKEN;
    }

    /** The connection is gone. */
    void leave(Connection connection) {
        forget(members.remove(connection));
    }

    /** Forgets the members whose last announce was before {@code time}. */
    void expire(long time) {
        Iterator<Member> oldest = members.values().iterator();
        while (oldest.hasNext()) {
            Member member = oldest.next();
            if (member.announced - time >= 0) {
                return;
            }
            oldest.remove();
            forget(member);
        }
    }

    /** After it was taken out of {@code members}. */
    private void forget(@Nullable Member member) {
        if (member == null) {
            return;
        }
        byId.remove(member.id);
        seeders -= member.seeds ? 1 : 0;
        swap(member.place, order.size() - 1);
        order.remove(order.size() - 1);
    }

    private void swap(int one, int other) {
        Member first = order.get(one);
        Member second = order.get(other);
        order.set(one, second);
        order.set(other, first);
        second.place = one;
        first.place = other;
    }

    boolean isEmpty() {
        return members.isEmpty();
    }

    ScrapeResponse.Counts counts() {
        return new ScrapeResponse.Counts(seeders, completed, members.size() - seeders);
    }
}
