package live.tributary.relay;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import live.tributary.mesh.program.NodeOptions;
import live.tributary.mesh.program.StartException;
import live.tributary.mesh.program.StateDirectory;
import live.tributary.mesh.store.ChunkStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code relay.jar purge}: deletes the cache on disk of a relay that is not running. */
@Command(name = "purge", description = "Delete the cache on disk; the relay must not be running.")
final class Purge implements Callable<Integer> {
    @Mixin
    private NodeOptions node = new NodeOptions();

    @Override
    public Integer call() throws StartException, IOException {
        Path cache = CacheOptions.directory(node);
        try (StateDirectory state = StateDirectory.open(node.data())) {
            int files = ChunkStore.purge(cache);
            System.out.println(files + " files deleted from " + state.path().relativize(cache) + " in " + state.path());
        }
        return 0;
    }
}
