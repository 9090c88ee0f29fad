package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine.Command;

@Timeout(60)
final class StopSignalTest {
    /** A program in a virtual machine of its own. */
    @Command(name = "gateway")
    static final class Waiting implements Program {
        @Override
        public ProgramKind kind() {
            return ProgramKind.GATEWAY;
        }

        @Override
        public Ready start(Lifecycle life) {
            life.add(() -> System.out.println("closed"));
            return Ready.of(kind(), "x");
        }

        public static void main(String[] args) {
            Launcher.main(new Waiting(), args);
        }
    }

    @Test
    void exitsWithZeroOnceEverythingIsClosed() throws Exception {
        Process process = start();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).isEqualTo("READY {\"role\":\"gateway\",\"id\":\"x\"}");
            process.toHandle().destroy(); // SIGTERM
            assertThat(out.readLine()).isEqualTo("closed");
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void exitsWithTwoOnAnUnknownOption() throws Exception {
        Process process = start("--nonsense");
        try (BufferedReader err =
                new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            assertThat(err.readLine()).isEqualTo("gateway: --nonsense: unknown (expected: what --help lists)");
            assertThat(process.waitFor()).isEqualTo(2);
        } finally {
            process.destroyForcibly();
        }
    }

    private static Process start(String... args) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var command = new java.util.ArrayList<>(
                List.of(java, "-cp", System.getProperty("java.class.path"), Waiting.class.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command).start();
    }
}
