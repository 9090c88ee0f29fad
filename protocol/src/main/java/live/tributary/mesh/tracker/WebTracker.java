package live.tributary.mesh.tracker;

import java.net.InetAddress;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.tracker.WebSwarm.Connection;
import live.tributary.mesh.tracker.WebSwarm.Passed;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.tracker.ScrapeResponse;
import live.tributary.protocol.tracker.WebTrackerRequest;

/**
 * The swarms of browsers: those of the carried streams' players, and those of the streams' torrents.
 *
 * <p>Browsers and BitTorrent clients cannot connect to each other, so these swarms are apart from {@link Tracker}'s. Callable from
 * any thread; each swarm has its own lock.
 */
public final class WebTracker {
    private static final long SWEEP_EVERY = TimeUnit.SECONDS.toNanos(30);
    /** How long a swarm that was known is taken for known: to look means to make torrents from records. */
    private static final long KNOWN_LIFETIME = TimeUnit.SECONDS.toNanos(1);

    private final TrackerLimits limits;
    private final Supplier<? extends Collection<? extends StreamView>> streams;
    private final RandomGenerator seeds;
    private final AddressRates rates;
    private final Map<StreamKey, PlayerSwarms> players = new ConcurrentHashMap<>();
    private final Map<InfoHash, Tracked> tracked = new ConcurrentHashMap<>();
    private final AtomicLong sweepAt;

    /** A swarm, guarded by itself, and whether it was taken out of the map: who finds it so looks again. */
    private static final class Tracked {
        final WebSwarm swarm;
        volatile long knownUntil;
        boolean over;

        Tracked(WebSwarm swarm, long now) {
            this.swarm = swarm;
            this.knownUntil = now + KNOWN_LIFETIME;
        }
    }

    /**
     * @param streams those carried now
     * @param random not to be guessed: it also keeps strangers from choosing who shares a rate with whom
     * @param now monotonic, nanoseconds
     */
    public WebTracker(
            TrackerLimits limits,
            Supplier<? extends Collection<? extends StreamView>> streams,
            RandomGenerator random,
            long now) {
        this.limits = limits;
        this.streams = streams;
        this.seeds = random;
        this.rates = new AddressRates(limits.requestsPerSecond(), limits.burst(), random, now);
        this.sweepAt = new AtomicLong(now + SWEEP_EVERY);
    }

    TrackerLimits limits() {
        return limits;
    }

    boolean admits(InetAddress address, long now) {
        return rates.take(address, now);
    }

    /** What became of an announce, and how large the swarm is then; empty where no carried stream has such a swarm. */
    Optional<Announced> announce(WebTrackerRequest.Announce request, Connection connection, long now) {
        sweepIfDue(now);
        Optional<Tracked> known = known(request.infoHash(), now);
        while (known.isPresent()) {
            Tracked found = known.get();
            synchronized (found) {
                if (!found.over) {
                    found.swarm.expire(now - limits.peerLifetime().toNanos());
                    Passed passed = found.swarm.announce(request, connection, now);
                    return Optional.of(new Announced(passed, found.swarm.counts()));
                }
            }
            known = known(request.infoHash(), now);
        }
        return Optional.empty();
    }

    /** The swarm of an infohash that a carried stream gives. */
    private Optional<Tracked> known(InfoHash infoHash, long now) {
        Tracked found = tracked.get(infoHash);
        if (found != null && now - found.knownUntil < 0) {
            return Optional.of(found);
        }
        if (!isKnown(infoHash, now)) {
            return Optional.empty();
        }
        Tracked known = tracked.computeIfAbsent(infoHash, absent -> new Tracked(newSwarm(), now));
        known.knownUntil = now + KNOWN_LIFETIME;
        return Optional.of(known);
    }

    record Announced(Passed passed, ScrapeResponse.Counts counts) {}

    /** Passes an answer on. */
    WebSwarm.Outcome answer(WebTrackerRequest.Answer request, Connection connection, long now) {
        Tracked found = tracked.get(request.infoHash());
        if (found == null) {
            return WebSwarm.Outcome.NOT_YOURS;
        }
        synchronized (found) {
            return found.swarm.answer(request, connection, now);
        }
    }

    /** The sizes of those of the asked swarms that there are; without a question there is no answer. */
    Map<InfoHash, ScrapeResponse.Counts> scrape(WebTrackerRequest.Scrape request, long now) {
        sweepIfDue(now);
        Map<InfoHash, ScrapeResponse.Counts> swarms = new LinkedHashMap<>();
        for (InfoHash infoHash : request.infoHashes()) {
            Tracked found = tracked.get(infoHash);
            if (found != null) {
                synchronized (found) {
                    found.swarm.expire(now - limits.peerLifetime().toNanos());
                    swarms.put(infoHash, found.swarm.counts());
                }
            } else if (isKnown(infoHash, now)) {
                swarms.put(infoHash, ScrapeResponse.Counts.NONE);
            }
        }
        return swarms;
    }

    void leave(InfoHash infoHash, Connection connection) {
        Tracked found = tracked.get(infoHash);
        if (found != null) {
            synchronized (found) {
                found.swarm.leave(connection);
            }
        }
    }

    private boolean isKnown(InfoHash infoHash, long now) {
        for (StreamView stream : streams.get()) {
            if (players.computeIfAbsent(stream.key(), key -> new PlayerSwarms(now))
                            .has(infoHash, stream, now)
                    || stream.torrent(infoHash).isPresent()) {
                return true;
            }
        }
        return false;
    }

    private WebSwarm newSwarm() {
        synchronized (seeds) {
            return new WebSwarm(limits, new SplittableRandom(seeds.nextLong()));
        }
    }

    /** Every now and then an announce pays for forgetting the swarms that are empty or no longer a carried stream's. */
    private void sweepIfDue(long now) {
        long due = sweepAt.get();
        if (now - due < 0 || !sweepAt.compareAndSet(due, now + SWEEP_EVERY)) {
            return;
        }
        tracked.forEach((infoHash, found) -> {
            boolean known = isKnown(infoHash, now);
            synchronized (found) {
                found.swarm.expire(now - limits.peerLifetime().toNanos());
                found.over = !known || found.swarm.isEmpty();
                if (found.over) {
                    tracked.remove(infoHash, found);
                }
            }
        });
        players.keySet()
                .removeIf(key ->
                        streams.get().stream().noneMatch(stream -> stream.key().equals(key)));
    }
}
