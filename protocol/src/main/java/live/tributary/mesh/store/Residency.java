package live.tributary.mesh.store;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Whether a file's pages are in the system's cache, as of the last look, and whether somebody has them read from the disk.
 *
 * <p>A look costs a system call and a step for each page, so it holds for a while. Callable from any thread.
 */
final class Residency {
    /** How long pages that were there are taken to be there still: they were used just now. */
    static final long STAYS = TimeUnit.SECONDS.toNanos(1);
    /** How long pages that were not there are taken to be away, and the least between two readings. */
    static final long STAYS_AWAY = TimeUnit.SECONDS.toNanos(5);

    private final BooleanSupplier look;
    private final LongSupplier nanoTime;
    private boolean looked;
    private boolean resident;
    private long lookedAt;
    private boolean loading;
    private boolean loadedBefore;
    private long loadedAt;

    /** @param look whether all pages are in the cache now */
    Residency(BooleanSupplier look, LongSupplier nanoTime) {
        this.look = look;
        this.nanoTime = nanoTime;
    }

    /** Whether nobody who reads the pages waits for the disk. */
    synchronized boolean isResident() {
        long now = nanoTime.getAsLong();
        if (!looked || now - lookedAt >= (resident ? STAYS : STAYS_AWAY)) {
            found(look.getAsBoolean(), now);
        }
        return resident;
    }

    /** Whether the caller is to have the pages read, and to tell of its end: nobody does, nor has just now. */
    synchronized boolean claimLoading() {
        if (loading || loadedBefore && nanoTime.getAsLong() - loadedAt < STAYS_AWAY) {
            return false;
        }
        loading = true;
        return true;
    }

    /** The pages have been read. */
    synchronized void loaded() {
        long now = nanoTime.getAsLong();
        loading = false;
        loadedBefore = true;
        loadedAt = now;
        found(true, now);
    }

    /** Whoever claimed it has no time for it after all. */
    synchronized void loadingFailed() {
        loading = false;
    }

    private void found(boolean there, long now) {
        looked = true;
        resident = there;
        lookedAt = now;
    }
}
