package live.tributary.protocol.stream;

/**
 * A chunk's place in a stream: gapless numbers per rendition.
 *
 * @param rendition the rendition's number in the feed's master playlist, from 0
 * @param seq the chunk's number within its rendition, not negative
 */
public record ChunkId(int rendition, long seq) implements Comparable<ChunkId> {
    public static final int MAX_RENDITION = 63;

    public ChunkId {
        if (rendition < 0 || rendition > MAX_RENDITION) {
            throw new IllegalArgumentException("rendition: " + rendition + " (expected: 0.." + MAX_RENDITION + ")");
        }
        if (seq < 0) {
            throw new IllegalArgumentException("seq: " + seq + " (expected: >= 0)");
        }
    }

    public ChunkId next() {
        return new ChunkId(rendition, seq + 1);
    }

    @Override
    public int compareTo(ChunkId other) {
        int byRendition = Integer.compare(rendition, other.rendition);
        return byRendition != 0 ? byRendition : Long.compare(seq, other.seq);
    }

    @Override
    public String toString() {
        return rendition + "/" + seq;
    }
}
