package live.tributary.origin.owncast;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HookTokenTest {
    private final SecureRandom random = new SecureRandom();

    @TempDir
    private Path folder;

    @Test
    void staysTheSame() throws IOException {
        Path file = folder.resolve("owncast.token");
        String token = HookToken.readOrCreate(file, random);

        assertThat(token).matches("[0-9a-f]{32}");
        assertThat(HookToken.readOrCreate(file, random)).isEqualTo(token);
        Files.writeString(file, token + "\n");
        assertThat(HookToken.readOrCreate(file, random)).isEqualTo(token);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0123", "0123456789abcdef0123456789abcdef0", "0123456789abcdef0123456789abcdeF"})
    void aFileThatACrashLeftEmptyIsNoSecret(String left) throws IOException {
        Path file = Files.writeString(folder.resolve("owncast.token"), left);

        assertThat(HookToken.readOrCreate(file, random)).matches("[0-9a-f]{32}").isNotEqualTo(left);
    }
}
