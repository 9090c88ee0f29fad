package live.tributary.origin.publish;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import live.tributary.mesh.program.Disk;
import live.tributary.mesh.store.ChunkFile;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.StreamKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chunks that were numbered last, in files before their number was taken, so that the next run has the bytes of every number
 * that this one may have announced, whatever the feed has kept of them.
 *
 * <p>A chunk leaves once the node has it in a file of its own, but the newest of its rendition stays. Guarded by its owner's lock,
 * but for {@link #write} and {@link #makeLast}.
 */
final class Outbox {
    /** What a node whose own files do not come about may pile up here. */
    private static final long MAX_BYTES = 256L * 1024 * 1024;

    private static final Logger log = LoggerFactory.getLogger(Outbox.class);

    private final Path directory;
    private final Disk disk;
    private final Predicate<ChunkRecord> safe;
    /** By rendition, oldest first. */
    private final Map<Integer, Deque<ChunkFile>> kept = new HashMap<>();

    private final long maxBytes;
    private long bytes;

    /** @param safe whether the end of the process would leave a chunk to the node without this */
    Outbox(Path directory, Disk disk, Predicate<ChunkRecord> safe) {
        this(directory, disk, safe, MAX_BYTES);
    }

    Outbox(Path directory, Disk disk, Predicate<ChunkRecord> safe, long maxBytes) {
        this.maxBytes = maxBytes;
        this.directory = directory;
        this.disk = disk;
        this.safe = safe;
    }

    /** Writes a chunk that is about to be numbered; it outlives the process when this returns. Needs no lock. */
    ChunkFile write(ChunkRecord record, byte[] content) throws IOException {
        disk.createDirectories(directory);
        return ChunkFile.write(directory, record, Unpooled.wrappedBuffer(content));
    }

    /** Has the newest chunk of a rendition outlive a power cut too. Needs no lock. */
    void makeLast(ChunkFile file) throws IOException {
        file.force(disk::force);
        disk.forceNames(directory);
    }

    /** Keeps a chunk that was written. */
    void keep(ChunkFile file) {
        add(file);
    }

    /** Forgets a chunk whose number was not taken. */
    void drop(ChunkRecord record) {
        Deque<ChunkFile> its = kept.getOrDefault(record.rendition(), new ArrayDeque<>());
        if (!its.isEmpty() && its.getLast().record().equals(record)) {
            delete(its.removeLast());
        }
    }

    /** Lets go of what the node has safe behind the newest chunk of each rendition. */
    void tidy() {
        for (Deque<ChunkFile> its : kept.values()) {
            while (its.size() > 1
                    && (bytes > maxBytes || safe.test(its.getFirst().record()))) {
                delete(its.removeFirst());
            }
        }
    }

    /**
     * What an earlier run of this stream left here: the last chunk of each rendition and those before it in its chain, as far as they
     * are here, oldest first. All others were never numbered, and are deleted; damaged ones are set aside,
     * and one that cannot be read stays where it is.
     */
    List<ChunkFile> recover(StreamKey stream, Map<Integer, PublishState.Last> numbered) throws IOException {
        Map<Sha256, ChunkFile> found = new HashMap<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
                for (Path path : paths) {
                    String name = path.getFileName().toString();
                    if (name.endsWith(ChunkFile.TEMPORARY_SUFFIX)) {
                        Files.delete(path);
                    } else if (name.endsWith(ChunkFile.SUFFIX)) {
                        read(path, stream)
                                .ifPresent(file -> found.put(file.record().hash(), file));
                    }
                }
            }
        }
        List<ChunkFile> chains = new ArrayList<>();
        numbered.values().forEach(last -> chains.addAll(chain(last, found)));
        chains.forEach(this::add);
        for (ChunkFile nobodys : found.values()) {
            nobodys.delete();
        }
        return chains;
    }

    /** Takes a chain out of what was found. */
    private static List<ChunkFile> chain(PublishState.Last last, Map<Sha256, ChunkFile> found) {
        List<ChunkFile> chain = new ArrayList<>();
        Optional<Sha256> next = found.containsKey(last.hash())
                ? Optional.of(last.hash())
                : last.record().flatMap(record -> record.body().previous());
        while (next.isPresent() && found.containsKey(next.get())) {
            ChunkFile file = found.remove(next.get());
            chain.add(file);
            next = file.record().body().previous();
        }
        Collections.reverse(chain);
        return chain;
    }

    private Optional<ChunkFile> read(Path path, StreamKey stream) throws IOException {
        try {
            ChunkFile file = ChunkFile.open(path);
            if (!file.record().body().stream().equals(stream)) {
                file.delete();
                return Optional.empty();
            }
            if (file.intact()) {
                return Optional.of(file);
            }
            setAside(path, "not the bytes that were signed");
        } catch (FormatException e) {
            setAside(path, String.valueOf(e.getMessage()));
        } catch (IOException e) { // The others are worth no less for it.
            log.error("a chunk in the outbox cannot be read, its number may stay empty: {}", e.toString());
        }
        return Optional.empty();
    }

    private static void setAside(Path path, String why) throws IOException {
        Path aside = path.resolveSibling(path.getFileName() + ChunkFile.DAMAGED_SUFFIX);
        Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
        log.warn("damaged chunk in the outbox ({}): set aside as {}", why, aside);
    }

    private void add(ChunkFile file) {
        kept.computeIfAbsent(file.record().rendition(), rendition -> new ArrayDeque<>())
                .add(file);
        bytes += ChunkFile.size(file.record());
    }

    private void delete(ChunkFile file) {
        bytes -= ChunkFile.size(file.record());
        try {
            file.delete();
        } catch (IOException e) {
            log.warn("cannot delete a chunk from the outbox {}: {}", directory, e.getMessage());
        }
    }
}
