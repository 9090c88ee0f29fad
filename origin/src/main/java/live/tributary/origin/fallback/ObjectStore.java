package live.tributary.origin.fallback;

/** Storage of objects by key; calls block, and are given up after some seconds. */
interface ObjectStore extends AutoCloseable {
    void put(String key, byte[] bytes, String contentType, String cacheControl) throws StoreException;

    /** Whether there is an object of this name and length. */
    boolean has(String key, long length) throws StoreException;

    void delete(String key) throws StoreException;

    @Override
    void close();

    /** A call that failed; {@code refused} where the same call would fail again: credentials, bucket, permissions. */
    final class StoreException extends Exception {
        private static final long serialVersionUID = 1;

        private final boolean refused;

        StoreException(String message, boolean refused) {
            super(message);
            this.refused = refused;
        }

        StoreException(String message, boolean refused, Throwable cause) {
            super(message, cause);
            this.refused = refused;
        }

        boolean refused() {
            return refused;
        }
    }
}
