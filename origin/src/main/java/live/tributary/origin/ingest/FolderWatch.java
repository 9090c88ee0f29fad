package live.tributary.origin.ingest;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A hint that a playlist in a folder changed; never the truth, for a change does not say that a file is complete. */
final class FolderWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(FolderWatch.class);

    private final WatchService watch;
    private final Runnable hint;

    FolderWatch(Runnable hint) throws IOException {
        this.watch = FileSystems.getDefault().newWatchService();
        this.hint = hint;
        Thread thread = new Thread(this::run, "ingest-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** Watches a folder, again after it had vanished; without effect on one that is watched. */
    void add(Path folder) {
        try {
            folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
        } catch (IOException | ClosedWatchServiceException e) {
            log.debug("{} is not watched, only looked at: {}", folder, e.toString());
        }
    }

    private void run() {
        try {
            while (true) {
                WatchKey key = watch.take();
                // Segments change with every write; what counts is the list that names them.
                boolean playlist = key.pollEvents().stream()
                        .anyMatch(event -> String.valueOf(event.context()).endsWith(".m3u8"));
                key.reset();
                if (playlist) {
                    hint.run();
                }
            }
        } catch (ClosedWatchServiceException e) {
            log.debug("the folder watch has ended");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            watch.close();
        } catch (IOException e) {
            log.debug("the folder watch did not close: {}", e.toString());
        }
    }
}
