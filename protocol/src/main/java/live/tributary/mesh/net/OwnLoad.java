package live.tributary.mesh.net;

import java.time.Duration;

/**
 * How much of its upload this node uses, as its neighbours are told: the mean of the last seconds, and when a change of it is news.
 *
 * <p>Chunks come in bursts, so that the load of a moment goes up and down with each of them; whoever told that would send its list
 * of relays every few seconds and say nothing by it.
 */
final class OwnLoad {
    /** Whole periods of chunks of 2, 3, 4 and 6 seconds. */
    static final Duration MEAN_OF = Duration.ofSeconds(12);
    /** A load that differs by so much from what was told is news. */
    static final int NEWS = 250;
    /** And is told no more often than this. */
    static final Duration NEWS_EVERY = Duration.ofSeconds(10);

    private final int[] samples;
    private int count;
    private int next;
    private int sum;
    private int told;
    private long toldAt;

    /** @param every how often {@link #sample} is called */
    OwnLoad(Duration every, long now) {
        this.samples = new int[(int) (MEAN_OF.toNanos() / every.toNanos())];
        this.toldAt = now;
    }

    /** What is in use now, 0..1000. */
    void sample(int perMille) {
        sum += perMille - samples[next];
        samples[next] = perMille;
        next = (next + 1) % samples.length;
        count = Math.min(samples.length, count + 1);
    }

    /** The mean, 0..1000. */
    int perMille() {
        return count == 0 ? 0 : Math.round((float) sum / count);
    }

    boolean isNews(long now) {
        return now - toldAt >= NEWS_EVERY.toNanos() && Math.abs(perMille() - told) >= NEWS;
    }

    /** Neighbours are told it; returns what they are told. */
    int tell(long now) {
        told = perMille();
        toldAt = now;
        return told;
    }
}
