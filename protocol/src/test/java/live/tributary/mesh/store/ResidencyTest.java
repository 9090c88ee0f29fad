package live.tributary.mesh.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ResidencyTest {
    private long now;
    private boolean there;
    private int looks;

    private final Residency residency = new Residency(
            () -> {
                looks++;
                return there;
            },
            () -> now);

    @Test
    void looksAgainASecondAfterThePagesWereThere() {
        there = true;
        assertThat(residency.isResident()).isTrue();
        there = false;
        now += Residency.STAYS - 1;
        assertThat(residency.isResident()).isTrue();
        now += 1;
        assertThat(residency.isResident()).isFalse();
        assertThat(looks).isEqualTo(2);
    }

    @Test
    void looksRarelyForPagesThatWereAway() {
        assertThat(residency.isResident()).isFalse();
        there = true;
        now += Residency.STAYS_AWAY - 1;
        assertThat(residency.isResident()).isFalse();
        assertThat(looks).isOne();
        now += 1;
        assertThat(residency.isResident()).isTrue();
    }

    @Test
    void pagesThatWereReadAreThereWithoutALook() {
        assertThat(residency.isResident()).isFalse();
        residency.loaded();
        assertThat(residency.isResident()).isTrue();
        assertThat(looks).isOne();
    }

    @Test
    void oneAtATimeHasThemReadAndNotAgainSoon() {
        assertThat(residency.claimLoading()).isTrue();
        assertThat(residency.claimLoading()).isFalse();
        residency.loaded();
        assertThat(residency.claimLoading()).isFalse();
        now += Residency.STAYS_AWAY;
        assertThat(residency.claimLoading()).isTrue();
    }

    @Test
    void whoHadNoTimeLeavesItToTheNext() {
        assertThat(residency.claimLoading()).isTrue();
        residency.loadingFailed();
        assertThat(residency.claimLoading()).isTrue();
    }
}
