package live.tributary.origin.publish;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes what was written last. */
@FunctionalInterface
interface Disk {
    /** The machine's own. */
    Disk REAL = channel -> channel.force(true);

    void force(FileChannel channel) throws IOException;

    /** Makes a directory's names last; not every system lets one be opened, and those need it not. */
    default void forceNames(Path directory) {
        try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
            force(names);
        } catch (IOException e) {
            Logger log = LoggerFactory.getLogger(Disk.class);
            log.debug("the names in {} were not forced: {}", directory, e.toString());
        }
    }
}
