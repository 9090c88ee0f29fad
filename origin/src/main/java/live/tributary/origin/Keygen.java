package live.tributary.origin;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.KeyFile;
import live.tributary.mesh.program.StartException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code origin.jar keygen}: makes a stream's key, and prints its public half. */
@Command(name = "keygen", description = "Make a stream's private key, and print the stream's public one.")
final class Keygen implements Callable<Integer> {
    @Mixin
    private KeyOptions options = new KeyOptions();

    @Override
    public Integer call() throws StartException {
        Path file = options.file();
        System.out.println(KeyFile.create(file, new SecureRandom()).streamKey().text());
        System.err.println("private key in " + file + ": keep a copy; who has it is this stream");
        return 0;
    }
}
