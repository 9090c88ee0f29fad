package live.tributary.origin;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.origin.keys.FormerKeys;
import live.tributary.protocol.stream.KeyEnd;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code origin.jar rotate}: a new key takes over from the stream's. */
@Command(
        name = "rotate",
        description =
                "Make a new key that takes over from the stream's; relays and gateways follow it. The origin is stopped.")
final class Rotate implements Callable<Integer> {
    @Mixin
    private KeyOptions options = new KeyOptions();

    @Override
    public Integer call() throws Exception {
        try (StateDirectory state = StateDirectory.open(options.data())) {
            KeyEnd end = new FormerKeys(state.path()).rotate(options.file(), Instant.now(), new SecureRandom());
            System.out.println(end.successor().orElseThrow().text());
            System.err.println(end + "; start the origin, and leave it on for as long as old links are in use");
            return 0;
        }
    }
}
