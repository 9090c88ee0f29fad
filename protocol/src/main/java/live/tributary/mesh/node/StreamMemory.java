package live.tributary.mesh.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a node has heard of streams and does not forget when it starts again: which keys have ended, and the newest heads. */
public record StreamMemory(KeyEnds ends, NewestHeads heads) {
    /** Reads the files {@code key-ends} and {@code heads} of a directory. */
    public static StreamMemory open(Path directory) throws IOException {
        Files.createDirectories(directory);
        return new StreamMemory(
                KeyEnds.open(directory.resolve("key-ends")), NewestHeads.open(directory.resolve("heads")));
    }
}
