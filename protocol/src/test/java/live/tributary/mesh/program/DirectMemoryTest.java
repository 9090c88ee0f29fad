package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DirectMemoryTest {
    private static final int MEBIBYTE = 1 << 20;

    @Test
    void isWhatTheVirtualMachineHoldsTo() throws Exception {
        assertThat(told("-Xmx48m")).isBetween(40L, 48L);
        assertThat(told("-Xmx48m", "-XX:MaxDirectMemorySize=20m")).isEqualTo(20);
    }

    /** What a virtual machine with these options says that its limit is, in MiB, having found that it gets no more. */
    private static long told(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Taker.class.getName()));
        Process taker = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said =
                new String(taker.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip();
        assertThat(taker.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(taker.exitValue()).as(said).isZero();
        return Long.parseLong(said);
    }

    /** Takes buffers until it gets no more. */
    public static final class Taker {
        private Taker() {}

        public static void main(String[] args) {
            int most = (int) (DirectMemory.limit() / MEBIBYTE);
            List<ByteBuffer> taken = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                taken.add(ByteBuffer.allocateDirect(MEBIBYTE));
            }
            assertThatThrownBy(() -> taken.add(ByteBuffer.allocateDirect(MEBIBYTE)))
                    .isInstanceOf(OutOfMemoryError.class);
            System.out.println(most);
        }
    }
}
