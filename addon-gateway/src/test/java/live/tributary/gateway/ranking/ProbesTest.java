package live.tributary.gateway.ranking;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.ranking.RelayHealth.Outcome;
import live.tributary.gateway.ranking.RelayHealth.Via;
import live.tributary.mesh.RelayView;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbesTest {
    private static final long SECOND = 1_000_000_000;

    private final RelayHealth health = new RelayHealth();
    private final Probes probes = new Probes(health, new SplittableRandom(1));
    private final FakeStream stream = FakeStream.live(1, "Harbour Radio", 5);
    private long now;

    private List<Probes.Probe> run(int seconds) {
        List<Probes.Probe> all = new ArrayList<>();
        for (int i = 0; i < seconds; i++) {
            List<Probes.Probe> due = probes.due(List.of(stream), now);
            assertThat(due).hasSizeLessThanOrEqualTo(4);
            all.addAll(due);
            now += SECOND;
        }
        return all;
    }

    @Test
    void asksEachRelayEveryHalfMinuteGiveOrTake() {
        stream.holdAll(stream.relay(1, "20.0.0.1"), stream.relay(2, "20.0.1.1"));

        assertThat(run(300).stream()
                        .filter(probe ->
                                probe.endpoint().address().getHostAddress().equals("20.0.0.1")))
                .hasSizeBetween(8, 14);
    }

    @Test
    void manyRelaysStayWithinTheBudget() {
        stream.wholePieces();
        stream.publish(0, Probes.NEWEST);
        for (int i = 0; i < 100; i++) {
            stream.holdAll(stream.relay(i, "20.0." + i + ".1"));
        }

        long bits = run(60).stream()
                .mapToLong(probe -> 8L * probe.record().pieceLength(probe.piece()))
                .sum();
        // A minute's 1.75 Mbit/s and what was saved up before it; a quarter of a Mbit/s is the wire probes'.
        assertThat(bits).isBetween(60 * 1_500_000L, 61 * 1_750_000L + 8 * ChunkRecord.PIECE_LENGTH);
    }

    @Test
    void noneIsPassedOverWhereThereAreMoreThanTheBudgetTakes() {
        for (int i = 0; i < 150; i++) {
            stream.holdAll(stream.relay(i, "20.0." + i + ".1"));
        }

        assertThat(run(70).stream().map(Probes.Probe::relay).distinct()).hasSize(150);
    }

    @Test
    void relayOfManyStreamsIsAskedForOneAndForAll() {
        List<FakeStream> streams = List.of(FakeStream.live(2, "One", 5), FakeStream.live(3, "Two", 5));
        streams.forEach(each -> each.holdAll(each.relay(1, "20.0.0.1")));

        List<Probes.Probe> asked = new ArrayList<>();
        for (int second = 0; second < 600; second++) {
            asked.addAll(probes.due(List.copyOf(streams), second * SECOND));
        }

        assertThat(asked).hasSizeBetween(16, 28);
        assertThat(asked.stream().map(probe -> probe.record().body().stream()).distinct())
                .hasSize(2);
    }

    @Test
    void wrongBytesAreProofAtOnce() {
        RelayView relay = stream.relay(1, "20.0.0.1");
        stream.holdAll(relay);
        Endpoint endpoint = relay.endpoints().get(0);

        int seconds = 0;
        while (!health.failing(relay.key(), endpoint) && seconds < 60) {
            run(1).forEach(probe -> health.record(probe.relay(), probe.endpoint(), probe.via(), Outcome.GARBAGE));
            seconds++;
        }
        assertThat(seconds).isLessThanOrEqualTo(11);

        // Asked by the way in doubt alone, and back after two good answers.
        List<Probes.Probe> again = new ArrayList<>();
        while (health.failing(relay.key(), endpoint)) {
            for (Probes.Probe probe : run(1)) {
                again.add(probe);
                health.record(probe.relay(), probe.endpoint(), probe.via(), Outcome.SERVED);
            }
        }
        assertThat(again).hasSize(2);
        assertThat(again.stream().map(Probes.Probe::via).distinct()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"HTTP, 1", "HTTP, 2", "HTTP, 3", "WIRE, 1", "WIRE, 2", "WIRE, 3"})
    void relayThatBeginsToServeWrongBytesByOneWayIsOutWithinAMinute(Via via, long seed) {
        Probes seeded = new Probes(health, new SplittableRandom(seed));
        RelayView relay = stream.relay(1, "20.0.0.1");
        stream.holdAll(relay);
        Endpoint endpoint = relay.endpoints().get(0);
        int seconds = 0;
        boolean asked = false;
        while (!asked || seconds < 100) { // As late as can be: just after it was asked that way.
            asked = false;
            for (Probes.Probe probe : seeded.due(List.of(stream), seconds++ * SECOND)) {
                asked |= probe.via() == via;
                health.record(probe.relay(), probe.endpoint(), probe.via(), Outcome.SERVED);
            }
        }

        int lied = 0;
        while (!health.failing(relay.key(), endpoint)) {
            lied++;
            for (Probes.Probe probe : seeded.due(List.of(stream), seconds++ * SECOND)) {
                health.record(
                        probe.relay(),
                        probe.endpoint(),
                        probe.via(),
                        probe.via() == via ? Outcome.GARBAGE : Outcome.SERVED);
            }
        }

        assertThat(lied).isLessThanOrEqualTo(60);
    }

    @Test
    void relayThatServesNothingIsOutWithinAMinute() {
        RelayView relay = stream.relay(1, "20.0.0.1");
        stream.holdAll(relay);

        int seconds = 0;
        while (!health.failing(relay.key(), relay.endpoints().get(0)) && seconds < 60) {
            run(1).forEach(probe -> health.record(probe.relay(), probe.endpoint(), probe.via(), Outcome.FAILED));
            seconds++;
        }

        assertThat(seconds).isLessThan(60);
    }

    @Test
    void asksOnlyForWhatARelayHolds() {
        RelayView relay = stream.relay(1, "20.0.0.1");
        assertThat(run(60)).isEmpty();

        stream.hold(stream.newest(0, 2).subList(0, 1), relay);

        assertThat(run(60)).isNotEmpty().allMatch(probe -> probe.record().seq() == 103);
    }

    @Test
    void originsAndUnlinkedRelaysAreLeftAlone() {
        RelayView origin = stream.add(
                FakeStream.view(1, NodeRole.ORIGIN, List.of(FakeStream.endpoint("20.0.0.1", 7003)), Optional.empty()));
        RelayView linked = stream.relay(2, "20.0.1.1");
        RelayView heardOf =
                stream.add(new RelayView(linked.key(), NodeRole.RELAY, linked.endpoints(), linked.descriptor(), false));
        stream.holdAll(origin, heardOf);

        assertThat(run(60)).isEmpty();
    }
}
