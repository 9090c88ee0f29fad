package live.tributary.origin.fallback;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bucket's objects as this origin writes them: each put is counted against the budget and noted on disk before it is made, and
 * noted again once it is there. Calls block.
 */
final class BucketObjects implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(BucketObjects.class);

    private final BucketJournal journal;
    private final WriteBudget budget;
    private final LongConsumer sent;
    private final Supplier<ObjectStore> opens;
    private final ReentrantLock opening = new ReentrantLock();
    private Optional<ObjectStore> store = Optional.empty();

    /**
     * @param journal file of the keys that were put; the budget's is beside it
     * @param sent counts bytes that were sent
     */
    BucketObjects(Path journal, long writesAMonth, LongConsumer sent, Supplier<ObjectStore> opens) throws IOException {
        this.journal = new BucketJournal(journal);
        this.budget = new WriteBudget(journal.resolveSibling("bucket.writes"), writesAMonth);
        this.sent = sent;
        this.opens = opens;
    }

    /** Opened by the first writer that needs it: the SDK takes a second of CPU, and the program's start should not. */
    ObjectStore store() throws ObjectStore.StoreException {
        opening.lock();
        try {
            if (store.isEmpty()) {
                store = Optional.of(opens.get());
            }
            return store.get();
        } catch (RuntimeException e) {
            throw new ObjectStore.StoreException("the bucket cannot be opened: " + e.getMessage(), true, e);
        } finally {
            opening.unlock();
        }
    }

    /** What is put of an object: its bytes, and what they are served with. */
    record Content(byte[] bytes, String type, String cacheControl) {}

    /** @param time from which the history counts */
    void put(String key, Content content, Instant time, Instant now) throws ObjectStore.StoreException {
        toBePut(key, time, now);
        store().put(key, content.bytes(), content.type(), content.cacheControl());
        sent.accept(content.bytes().length);
        stored(key);
    }

    /** Counts a put, and notes what it leaves behind, before it is made: here, or by somebody else. */
    void toBePut(String key, Instant time, Instant now) throws ObjectStore.StoreException {
        try {
            if (!budget.take(now)) {
                throw new ObjectStore.StoreException("the bucket's budget is used up", true);
            }
            journal.putting(key, time);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** The object is there. Where that cannot be noted, a later run asks the bucket. */
    void stored(String key) {
        try {
            journal.stored(key);
        } catch (IOException e) {
            log.debug("{} is stored, which the journal does not know: {}", key, e.toString());
        }
    }

    /** Whether the object is there, by what was noted; else the bucket is asked. */
    boolean isStored(String key, long length) throws ObjectStore.StoreException {
        return journal.isStored(key) || store().has(key, length);
    }

    /** Whether it is known to be there, without asking the bucket. */
    boolean isKnownToBeStored(String key) {
        return journal.isStored(key);
    }

    void delete(String key) throws ObjectStore.StoreException {
        store().delete(key);
        try {
            journal.deleted(key);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private static ObjectStore.StoreException unwritable(IOException e) {
        return new ObjectStore.StoreException("the bucket's journal cannot be written: " + e.getMessage(), false, e);
    }

    /** What was put, by the time from which its history counts. */
    Map<String, Instant> keys() {
        return journal.keys();
    }

    @Override
    public void close() throws IOException {
        opening.lock();
        try {
            store.ifPresent(ObjectStore::close);
        } finally {
            opening.unlock();
        }
        journal.close();
    }
}
