package live.tributary.mesh.swarm.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.LongStream;
import live.tributary.mesh.swarm.SwarmConfig;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SimulationTest {
    private static final int SETTLED = 8;
    private static final double ROUGHLY = 20;

    @ParameterizedTest
    @ValueSource(longs = {101, 102, 103})
    void tenRelaysHaveEveryChunkSoonAndTheOriginSendsItOnce(long seed) {
        Outcome outcome = run(Scenario.calm(seed, 10).lasting(SETTLED, 14));

        assertThat(outcome.missed()).as(outcome.toString()).isZero();
        assertThat(outcome.p95OverIdeal()).as(outcome.toString()).isLessThan(outcome.must());
        assertThat(outcome.uplink()).as(outcome.toString()).isBetween(1.0, 1.15);
        assertThat(outcome.duplicates()).as(outcome.toString()).isLessThan(0.02);
    }

    @ParameterizedTest
    @ValueSource(longs = {201, 202})
    void noChunkIsMissedWhileRelaysComeAndGoAndPacketsAreLost(long seed) {
        Outcome outcome = run(Scenario.churning(seed, 10).lasting(SETTLED, 16));

        assertThat(outcome.missed()).as(outcome.toString()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {301, 302})
    void withHalfOfTheRelaysHostileNoBadChunkIsStoredAndNoneIsMissed(long seed) {
        Outcome outcome = run(Scenario.hostile(seed, 10).lasting(SETTLED, 14));

        assertThat(outcome.badChunks()).as(outcome.toString()).isZero();
        assertThat(outcome.missed()).as(outcome.toString()).isZero();
    }

    @Test
    void killingAThirdOfTheRelaysAtOnceLosesNoChunk() {
        Outcome outcome = run(Scenario.calm(401, 12).with(0, 0, 0, 1 / 3.0).lasting(SETTLED, 14));

        assertThat(outcome.missed()).as(outcome.toString()).isZero();
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        Scenario scenario = Scenario.churning(501, 6).lasting(2, 5);

        assertThat(run(scenario)).isEqualTo(run(scenario));
    }

    @ParameterizedTest
    @ValueSource(strings = {"PULL", "FLOOD"})
    void theOtherWaysToSpreadBringEverythingToo(String spreading) {
        Outcome outcome = run(Scenario.calm(601, 8)
                .with(SwarmConfig.Spreading.valueOf(spreading))
                .lasting(3, 6));

        assertThat(outcome.missed()).as(outcome.toString()).isZero();
    }

    /** The model of issue 3: seconds beyond S/U in which 95 of 100 have a chunk, and what they get twice; the mean of meshes. */
    @ParameterizedTest
    @CsvSource({"PULL, 5, 3.0, 0.0", "FLOOD, 2, 0.33, 2.2"})
    void thePlainWaysGiveWhatTheRoughModelSays(
            SwarmConfig.Spreading plain, int meshes, double p95OverIdeal, double duplicates) {
        Outcome outcome = Outcome.mean(LongStream.range(41, 41 + meshes)
                .mapToObj(seed -> run(Scenario.calm(seed, 100).with(plain).lasting(4, 8)))
                .toList());

        double ideal = outcome.scenario().idealSeconds();
        assertThat(outcome.missed()).as(outcome.toString()).isZero();
        assertThat(outcome.p95())
                .as(outcome.toString())
                .isCloseTo(ideal + p95OverIdeal, Percentage.withPercentage(ROUGHLY));
        assertThat(outcome.duplicates())
                .as(outcome.toString())
                .isCloseTo(duplicates, Offset.offset(Math.max(0.001, ROUGHLY / 100 * duplicates)));
    }

    /** Columns of a line: milliseconds, sender, receiver, bytes, what. */
    @Test
    void theTraceOfARunCanBeRecountedFromOutside() {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        Simulation simulation = new Simulation(
                Scenario.churning(701, 4).lasting(1, 3),
                Trace.to(new PrintStream(written, true, StandardCharsets.UTF_8)));

        simulation.run();

        long bytes = 0;
        double last = 0;
        for (String line : written.toString(StandardCharsets.UTF_8).lines().toList()) {
            String[] columns = line.split(" ", 5);
            assertThat(Double.parseDouble(columns[0])).isGreaterThanOrEqualTo(last);
            last = Double.parseDouble(columns[0]);
            bytes += Long.parseLong(columns[3]);
        }
        assertThat(bytes).isPositive().isEqualTo(simulation.ledger.received());
    }

    private static Outcome run(Scenario scenario) {
        return new Simulation(scenario, Trace.none()).run();
    }
}
