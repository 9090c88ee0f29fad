package live.tributary.origin;

import java.nio.file.Path;
import java.util.Optional;
import live.tributary.mesh.program.Converters;
import picocli.CommandLine.Option;

/** Where a stream's key is, for the commands about it; a picocli mixin. */
final class KeyOptions {
    @Option(
            names = "--data",
            paramLabel = "DIR",
            converter = Converters.HomePath.class,
            defaultValue = "~/.tributary/origin",
            description = "State directory.")
    private Path data = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "FILE",
            converter = Converters.HomePath.class,
            description = "The stream's private key (stream.key in --data unless given).")
    private Optional<Path> key = Optional.empty();

    Path data() {
        return data;
    }

    Path file() {
        return key.orElse(data.resolve("stream.key"));
    }
}
