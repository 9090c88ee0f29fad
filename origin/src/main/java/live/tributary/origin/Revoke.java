package live.tributary.origin;

import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.mesh.program.UsageException;
import live.tributary.origin.keys.FormerKeys;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.StreamKey;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code origin.jar revoke}: the stream's key is dead, whoever has it. */
@Command(
        name = "revoke",
        description =
                "Declare the stream's key dead, for good: nothing newer of it is taken anywhere. The origin is stopped.")
final class Revoke implements Callable<Integer> {
    @Mixin
    private KeyOptions options = new KeyOptions();

    @Option(
            names = "--former",
            paramLabel = "KEY",
            description = "The public key of one that was rotated before, instead of the one in use.")
    private Optional<StreamKey> former = Optional.empty();

    @Option(names = "--yes", description = "Needed: it cannot be taken back.")
    private boolean yes;

    @Override
    public Integer call() throws Exception {
        if (!yes) {
            throw new UsageException("--yes: missing (expected: --yes, since a revocation cannot be taken back)");
        }
        try (StateDirectory state = StateDirectory.open(options.data())) {
            FormerKeys keys = new FormerKeys(state.path());
            KeyEnd end = former.isPresent()
                    ? keys.revoke(former.get(), Instant.now())
                    : keys.revoke(options.file(), Instant.now());
            System.out.println(end.stream().text());
            System.err.println(end + "; start the origin, with a key that is new, to tell the mesh");
            return 0;
        }
    }
}
