package live.tributary.origin;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.StartException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code origin.jar id}: prints the public key of the stream: its name everywhere. */
@Command(name = "id", description = "Print the stream's public key.")
final class Id implements Callable<Integer> {
    @Mixin
    private KeyOptions options = new KeyOptions();

    @Override
    public Integer call() throws StartException {
        Path file = options.file();
        if (!Files.exists(file)) {
            throw new StartException(file + ": missing (expected: a key; keygen makes one)");
        }
        System.out.println(
                KeyFile.readOrCreate(file, new SecureRandom()).streamKey().text());
        return 0;
    }
}
