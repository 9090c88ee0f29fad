package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import live.tributary.mesh.tracker.WebSwarm.Outcome;
import live.tributary.mesh.tracker.WebSwarm.Passed;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.AnnounceEvent;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.tracker.ScrapeResponse;
import live.tributary.protocol.tracker.WebTrackerRequest.Announce;
import live.tributary.protocol.tracker.WebTrackerRequest.Answer;
import live.tributary.protocol.tracker.WebTrackerRequest.Offer;
import live.tributary.protocol.tracker.WebTrackerRequest.OfferId;
import live.tributary.protocol.tracker.WebTrackerRequest.SessionDescription;
import live.tributary.protocol.tracker.WebTrackerResponse;
import live.tributary.protocol.tracker.WebTrackerResponse.Answered;
import live.tributary.protocol.tracker.WebTrackerResponse.Offered;
import org.junit.jupiter.api.Test;

class WebSwarmTest {
    private static final InfoHash SWARM = InfoHash.fromHex("aa".repeat(20));
    private static final TrackerLimits LIMITS = TrackerLimits.DEFAULT;

    private final WebSwarm swarm = new WebSwarm(LIMITS, new SplittableRandom(1));

    /** A browser that writes down what it gets. */
    private static final class Browser implements WebSwarm.Connection {
        final List<WebTrackerResponse> got = new ArrayList<>();
        boolean slow;
        int proofs;

        @Override
        public boolean keepsUp() {
            return !slow;
        }

        @Override
        public void send(WebTrackerResponse message) {
            got.add(message);
        }

        @Override
        public void prove() {
            proofs++;
        }

        List<Offered> offers() {
            return got.stream()
                    .filter(Offered.class::isInstance)
                    .map(Offered.class::cast)
                    .toList();
        }
    }

    @Test
    void givesEachOfferToOneOther() {
        List<Browser> others = IntStream.range(0, 8).mapToObj(i -> joined(i)).toList();

        Passed passed = swarm.announce(announce(9, AnnounceEvent.STARTED, false, 5), new Browser(), 0);

        assertThat(passed).isEqualTo(new Passed(Outcome.TAKEN, 5, 0));
        List<Offered> offers =
                others.stream().flatMap(other -> other.offers().stream()).toList();
        assertThat(offers).hasSize(5).allMatch(offer -> offer.from().equals(id(9)));
        assertThat(offers.stream().map(offer -> offer.offer().id())).doesNotHaveDuplicates();
        assertThat(others).allMatch(other -> other.offers().size() <= 1);
    }

    @Test
    void choosesAtRandom() {
        List<Browser> others = IntStream.range(0, 4).mapToObj(i -> joined(i)).toList();
        for (int i = 0; i < 40; i++) {
            swarm.announce(announce(9, AnnounceEvent.NONE, false, 1), newcomer, 0);
        }
        assertThat(others).allMatch(other -> other.offers().size() >= 3);
    }

    private final Browser newcomer = new Browser();

    @Test
    void makesNoMoreOffersThanAreWanted() {
        IntStream.range(0, 8).forEach(this::joined);

        Announce announce = new Announce(SWARM, id(9), AnnounceEvent.NONE, false, OptionalInt.of(2), offers(5));

        assertThat(swarm.announce(announce, newcomer, 0).offers()).isEqualTo(2);
    }

    @Test
    void offersNothingOfASeederToASeeder() {
        Browser seeder = new Browser();
        swarm.announce(announce(1, AnnounceEvent.STARTED, true, 0), seeder, 0);

        assertThat(swarm.announce(announce(2, AnnounceEvent.STARTED, true, 1), newcomer, 0)
                        .offers())
                .isZero();
        assertThat(swarm.announce(announce(2, AnnounceEvent.NONE, false, 1), newcomer, 0)
                        .offers())
                .isEqualTo(1);
    }

    @Test
    void dropsOffersToWhoDoesNotRead() {
        Browser slow = joined(1);
        slow.slow = true;

        assertThat(swarm.announce(announce(2, AnnounceEvent.STARTED, false, 3), newcomer, 0))
                .isEqualTo(new Passed(Outcome.TAKEN, 0, 1));
        assertThat(slow.got).isEmpty();
    }

    @Test
    void passesAnAnswerToWhoMadeTheOffer() {
        Browser answering = joined(1);
        swarm.announce(announce(2, AnnounceEvent.STARTED, false, 1), newcomer, 0);
        OfferId offer = answering.offers().get(0).offer().id();

        assertThat(swarm.answer(answer(1, 2, offer), answering, 5)).isEqualTo(Outcome.TAKEN);
        assertThat(newcomer.got).singleElement().satisfies(message -> {
            assertThat(((Answered) message).from()).isEqualTo(id(1));
            assertThat(((Answered) message).offerId()).isEqualTo(offer);
        });
    }

    @Test
    void passesNoAnswerThatNobodyAwaits() {
        Browser answering = joined(1);
        Browser third = joined(3);
        swarm.announce(announce(2, AnnounceEvent.STARTED, false, 2), newcomer, 0);
        OfferId offer = answering.offers().get(0).offer().id();
        OfferId toThird = third.offers().get(0).offer().id();

        assertThat(swarm.answer(answer(1, 2, offerId(77)), answering, 0)).isEqualTo(Outcome.NOT_ASKED);
        assertThat(swarm.answer(answer(1, 2, toThird), answering, 0)).isEqualTo(Outcome.NOT_ASKED);
        assertThat(swarm.answer(answer(1, 3, offer), answering, 0)).isEqualTo(Outcome.NOT_ASKED);
        assertThat(swarm.answer(answer(1, 2, offer), third, 0)).isEqualTo(Outcome.NOT_YOURS);
        assertThat(newcomer.got).isEmpty();
        assertThat(swarm.answer(answer(1, 2, offer), answering, 0)).isEqualTo(Outcome.TAKEN);
        assertThat(swarm.answer(answer(1, 2, offer), answering, 0)).isEqualTo(Outcome.NOT_ASKED);
    }

    @Test
    void takesAnAnswerForTwoMinutes() {
        for (long late : new long[] {0, 1}) {
            Browser answering = new Browser();
            swarm.announce(announce(1, AnnounceEvent.STARTED, false, 0), answering, 0);
            swarm.announce(announce(2, AnnounceEvent.STARTED, false, 1), newcomer, 0);
            OfferId offer = answering.offers().get(0).offer().id();

            assertThat(swarm.answer(answer(1, 2, offer), answering, WebSwarm.OFFER_LIFETIME + late))
                    .isEqualTo(late == 0 ? Outcome.TAKEN : Outcome.NOT_ASKED);
            swarm.leave(answering);
        }
    }

    @Test
    void remembersABoundedNumberOfOffersThatNobodyAnswers() {
        Browser silent = joined(1);
        for (int i = 0; i <= AwaitedAnswers.MAX; i++) {
            Announce one = new Announce(
                    SWARM,
                    id(2),
                    AnnounceEvent.NONE,
                    false,
                    OptionalInt.empty(),
                    List.of(new Offer(offerId(i), new SessionDescription(new byte[] {'{', '}'}))));
            swarm.announce(one, newcomer, 0);
        }
        assertThat(swarm.answer(answer(1, 2, offerId(0)), silent, 0)).isEqualTo(Outcome.NOT_ASKED);
        assertThat(swarm.answer(answer(1, 2, offerId(1)), silent, 0)).isEqualTo(Outcome.TAKEN);
    }

    @Test
    void letsNobodySpeakInAnothersName() {
        Browser victim = joined(1);
        Browser thief = new Browser();

        for (AnnounceEvent event : List.of(AnnounceEvent.STOPPED, AnnounceEvent.STARTED, AnnounceEvent.NONE)) {
            assertThat(swarm.announce(announce(1, event, false, 0), thief, 0).outcome())
                    .isEqualTo(Outcome.NOT_YOURS);
        }
        assertThat(victim.proofs).isEqualTo(3);
        assertThat(swarm.counts().leechers()).isEqualTo(1);
        swarm.leave(thief);
        assertThat(swarm.announce(announce(2, AnnounceEvent.STARTED, false, 1), newcomer, 0)
                        .offers())
                .isEqualTo(1);
        assertThat(victim.offers()).hasSize(1);
    }

    @Test
    void isOneMemberAConnectionWhateverItCallsItself() {
        Browser browser = joined(1);
        swarm.announce(announce(2, AnnounceEvent.NONE, true, 0), browser, 0);

        assertThat(swarm.counts()).isEqualTo(new ScrapeResponse.Counts(1, 0, 0));
        assertThat(swarm.announce(announce(1, AnnounceEvent.STARTED, false, 0), newcomer, 0)
                        .outcome())
                .isEqualTo(Outcome.TAKEN);
    }

    @Test
    void forgetsWhoStopsLeavesOrFallsSilent() {
        Browser leaves = joined(1);
        joined(2);
        Browser stops = joined(3);
        swarm.announce(announce(4, AnnounceEvent.STARTED, false, 0), newcomer, 10);

        swarm.announce(announce(3, AnnounceEvent.STOPPED, false, 0), stops, 0);
        swarm.leave(leaves);
        swarm.leave(leaves);
        swarm.expire(10);

        assertThat(swarm.counts().leechers()).isEqualTo(1);
        swarm.leave(newcomer);
        assertThat(swarm.isEmpty()).isTrue();
    }

    @Test
    void countsSeedersAndWhoFinished() {
        Browser browser = joined(1);
        swarm.announce(announce(1, AnnounceEvent.COMPLETED, true, 0), browser, 0);
        swarm.announce(announce(1, AnnounceEvent.COMPLETED, true, 0), browser, 0);

        assertThat(swarm.counts()).isEqualTo(new ScrapeResponse.Counts(1, 1, 0));
    }

    @Test
    void isNoLargerThanItMayBe() {
        TrackerLimits two = new TrackerLimits(LIMITS.interval(), 2, 2, 1, 1);
        WebSwarm small = new WebSwarm(two, new SplittableRandom(1));
        small.announce(announce(1, AnnounceEvent.STARTED, false, 0), new Browser(), 0);
        small.announce(announce(2, AnnounceEvent.STARTED, false, 0), newcomer, 0);

        assertThat(small.announce(announce(3, AnnounceEvent.STARTED, false, 0), new Browser(), 0)
                        .outcome())
                .isEqualTo(Outcome.FULL);
        assertThat(small.announce(announce(2, AnnounceEvent.NONE, false, 0), newcomer, 0)
                        .outcome())
                .isEqualTo(Outcome.TAKEN);
    }

    /** Any order of joining, leaving, renaming and expiring keeps the three views of the members in step. */
    @Test
    void keepsItsViewsInStep() {
        SplittableRandom random = new SplittableRandom(7);
        List<Browser> browsers =
                IntStream.range(0, 12).mapToObj(i -> new Browser()).toList();
        for (int step = 0; step < 5000; step++) {
            Browser browser = browsers.get(random.nextInt(browsers.size()));
            long now = TimeUnit.SECONDS.toNanos(step);
            switch (random.nextInt(6)) {
                case 0 -> swarm.leave(browser);
                case 1 -> swarm.expire(now - TimeUnit.SECONDS.toNanos(20));
                case 2 -> swarm.announce(announce(random.nextInt(14), AnnounceEvent.STOPPED, false, 0), browser, now);
                default ->
                    swarm.announce(
                            announce(random.nextInt(14), AnnounceEvent.NONE, random.nextInt(3) == 0, 4), browser, now);
            }
            ScrapeResponse.Counts counts = swarm.counts();
            assertThat(counts.seeders()).isBetween(0, 12);
            assertThat(counts.leechers()).isBetween(0, 12);
        }
        Set<Browser> all = new HashSet<>(browsers);
        all.forEach(swarm::leave);
        assertThat(swarm.counts())
                .isEqualTo(new ScrapeResponse.Counts(0, swarm.counts().completed(), 0));
        assertThat(swarm.isEmpty()).isTrue();
    }

    private Browser joined(int id) {
        Browser browser = new Browser();
        assertThat(swarm.announce(announce(id, AnnounceEvent.STARTED, false, 0), browser, 0)
                        .outcome())
                .isEqualTo(Outcome.TAKEN);
        return browser;
    }

    private static Announce announce(int id, AnnounceEvent event, boolean seeds, int offers) {
        return new Announce(SWARM, id(id), event, seeds, OptionalInt.empty(), offers(offers));
    }

    private static List<Offer> offers(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Offer(offerId(i), new SessionDescription(new byte[] {'{', '}'})))
                .toList();
    }

    private static Answer answer(int from, int to, OfferId offer) {
        return new Answer(SWARM, id(from), id(to), offer, new SessionDescription(new byte[] {'{', '}'}));
    }

    private static PeerId id(int number) {
        return PeerId.of(String.format("-XX0001-%012d", number).getBytes(StandardCharsets.US_ASCII));
    }

    private static OfferId offerId(int number) {
        return OfferId.of(String.format("%020d", number).getBytes(StandardCharsets.US_ASCII));
    }
}
