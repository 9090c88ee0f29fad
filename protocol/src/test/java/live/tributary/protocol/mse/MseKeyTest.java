package live.tributary.protocol.mse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Random;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;

class MseKeyTest {
    private static final BigInteger PRIME = new BigInteger(
            "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
                    + "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563",
            16);
    private static final InfoHash TORRENT = InfoHash.fromHex("00112233445566778899aabbccddeeff00112233");

    @Test
    void bothSidesAgree() {
        for (int seed = 0; seed < 50; seed++) { // Now and then a number is shorter than 96 bytes.
            MseKey ours = new MseKey(new Random(seed));
            MseKey theirs = new MseKey(new Random(1000 + seed));
            assertThat(ours.publicKey()).hasSize(96);

            MseSecret here = ours.agree(theirs.publicKey()).orElseThrow();
            MseSecret there = theirs.agree(ours.publicKey()).orElseThrow();

            assertThat(here.sync()).isEqualTo(there.sync());
            assertThat(there.uncover(here.cover(ObfuscatedHash.of(TORRENT)))).isEqualTo(ObfuscatedHash.of(TORRENT));
            byte[] text = {1, 2, 3};
            here.fromDialler(TORRENT).apply(text);
            assertThat(text).isNotEqualTo(new byte[] {1, 2, 3});
            there.fromDialler(TORRENT).apply(text);
            assertThat(text).containsExactly(1, 2, 3);
        }
    }

    @Test
    void thePrimeIsOne() {
        assertThat(PRIME.bitLength()).isEqualTo(768);
        assertThat(PRIME.isProbablePrime(50)).isTrue();
    }

    @Test
    void refusesKeysThatGiveTheSecretAway() {
        MseKey ours = new MseKey(new Random(1));
        for (BigInteger weak : new BigInteger[] {
            BigInteger.ZERO,
            BigInteger.ONE,
            PRIME.subtract(BigInteger.ONE),
            PRIME,
            BigInteger.TWO.pow(768).subtract(BigInteger.ONE)
        }) {
            byte[] number = weak.toByteArray();
            byte[] key = new byte[96];
            int length = Math.min(96, number.length);
            System.arraycopy(number, number.length - length, key, 96 - length, length);
            assertThat(ours.agree(key)).as(weak.toString(16)).isEmpty();
        }
        byte[] two = new byte[96];
        two[95] = 2;
        assertThat(ours.agree(two)).isPresent();
        assertThatIllegalArgumentException().isThrownBy(() -> ours.agree(Arrays.copyOf(two, 97)));
    }
}
