package live.tributary.mesh.swarm.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import live.tributary.mesh.swarm.SwarmConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulationTest {
    private static final int SETTLED = 8;

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

    private static Outcome run(Scenario scenario) {
        return new Simulation(scenario, Trace.none()).run();
    }
}
