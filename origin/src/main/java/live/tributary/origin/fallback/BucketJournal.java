package live.tributary.origin.fallback;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that this origin has put, on disk, so that none is left behind, none has to be listed, and none is put twice.
 *
 * <p>Text, one line an event: {@code put <ms since 1970> <key>} before an object is put, {@code stored <key>} once it is there,
 * {@code deleted <key>} when it no longer is. A torn last line is skipped; a lost one leaves an object to the bucket's lifecycle
 * rule.
 */
final class BucketJournal implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(BucketJournal.class);
    private static final Pattern PUT = Pattern.compile("put (\\d{1,15}) (\\S{1,1024})");
    private static final Pattern STORED = Pattern.compile("stored (\\S{1,1024})");
    private static final Pattern DELETED = Pattern.compile("deleted (\\S{1,1024})");
    private static final String STORED_EVENT = "stored ";
    private static final int MAX_LINES = 2_000_000;
    /** How many lines that say nothing any more are kept until the file is written anew. */
    static final int COMPACT_AFTER = 10_000;

    private final Map<String, Instant> keys = new LinkedHashMap<>();
    private final Set<String> stored = ConcurrentHashMap.newKeySet();
    private final Path file;
    private BufferedWriter out;
    private int lines;

    BucketJournal(Path file) throws IOException {
        this.file = file;
        read(file);
        stored.retainAll(keys.keySet());
        out = compact();
    }

    /** Writes what still counts into a new file; returns where what follows goes. */
    private BufferedWriter compact() throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try (BufferedWriter compact = Files.newBufferedWriter(fresh, StandardCharsets.UTF_8)) {
            for (Map.Entry<String, Instant> entry : keys.entrySet()) {
                compact.write(line(entry.getKey(), entry.getValue()));
                if (stored.contains(entry.getKey())) {
                    compact.write(STORED_EVENT + entry.getKey() + "\n");
                }
            }
        }
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        lines = keys.size() + stored.size();
        return Files.newBufferedWriter(file, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
    }

    private void read(Path file) throws IOException {
        int unreadable = 0;
        try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            String line = in.readLine();
            for (int read = 0; line != null && read < MAX_LINES; read++, line = in.readLine()) {
                Matcher put = PUT.matcher(line);
                Matcher there = STORED.matcher(line);
                Matcher deleted = DELETED.matcher(line);
                if (put.matches()) {
                    keys.put(put.group(2), Instant.ofEpochMilli(Long.parseLong(put.group(1))));
                } else if (there.matches()) {
                    stored.add(there.group(1));
                } else if (deleted.matches()) {
                    keys.remove(deleted.group(1));
                    stored.remove(deleted.group(1));
                } else {
                    unreadable++;
                }
            }
        } catch (NoSuchFileException e) {
            log.debug("no bucket journal yet");
        }
        if (unreadable > 0) {
            log.warn("{}: {} lines skipped (expected: put, stored or deleted)", file, unreadable);
        }
    }

    private static String line(String key, Instant time) {
        return "put " + time.toEpochMilli() + " " + key + "\n";
    }

    /** What is in the bucket, by the time that it was put. */
    synchronized Map<String, Instant> keys() {
        return new LinkedHashMap<>(keys);
    }

    synchronized void putting(String key, Instant time) throws IOException {
        if (keys.putIfAbsent(key, time) == null) {
            append(line(key, time));
        }
    }

    /** Whether the object is known to be there; it waits for no disk. */
    boolean isStored(String key) {
        return stored.contains(key);
    }

    synchronized void stored(String key) throws IOException {
        if (keys.containsKey(key) && stored.add(key)) {
            append(STORED_EVENT + key + "\n");
        }
    }

    synchronized void deleted(String key) throws IOException {
        stored.remove(key);
        if (keys.remove(key) != null) {
            append("deleted " + key + "\n");
        }
    }

    private void append(String line) throws IOException {
        out.write(line);
        out.flush();
        lines++;
        if (lines - keys.size() - stored.size() > COMPACT_AFTER) {
            BufferedWriter before = out;
            out = compact();
            before.close();
        }
    }

    @Override
    public synchronized void close() throws IOException {
        out.close();
    }
}
