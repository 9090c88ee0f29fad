package live.tributary.gateway.stremio;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import live.tributary.protocol.metainfo.WindowId;

/**
 * Five minutes of a broadcast on a five-minute mark, as a video of a season: the season is the UTC day as a number, {@code 20261122}, the
 * episode counts the day's marks from 1.
 *
 * <p>An origin's media time is the wall clock's, so a time names an episode whether it is past, running or to come.
 */
record Episode(Instant start) {
    static final Duration LENGTH = WindowId.LENGTH;

    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("uuuuMMdd", Locale.ROOT);
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final int MAX_EPISODE = (int) Duration.ofDays(1).dividedBy(LENGTH);
    private static final int FIRST_YEAR = 1970;
    private static final int LAST_YEAR = 9999;
    private static final int YEAR = 10_000;
    private static final int MONTH = 100;

    Episode {
        if (start.getEpochSecond() % LENGTH.toSeconds() != 0) {
            throw new IllegalArgumentException("start: " + start + " (expected: a five-minute mark)");
        }
    }

    /** Of a window on a five-minute mark. */
    static Episode of(WindowId window) {
        return new Episode(Instant.EPOCH.plus(window.end()).minus(LENGTH));
    }

    /** Empty where there is no such day or mark. */
    static Optional<Episode> of(int season, int episode) {
        int year = season / YEAR;
        if (year < FIRST_YEAR || year > LAST_YEAR || episode < 1 || episode > MAX_EPISODE) {
            return Optional.empty();
        }
        try {
            LocalDate day = LocalDate.of(year, season % YEAR / MONTH, season % MONTH);
            return Optional.of(
                    new Episode(day.atStartOfDay(ZoneOffset.UTC).toInstant().plus(LENGTH.multipliedBy(episode - 1L))));
        } catch (DateTimeException e) {
            return Optional.empty(); // A 31st of February: as unknown as any other id.
        }
    }

    int season() {
        return Integer.parseInt(DAY.format(start.atZone(ZoneOffset.UTC)));
    }

    int number() {
        LocalDate day = start.atZone(ZoneOffset.UTC).toLocalDate();
        return (int) Duration.between(day.atStartOfDay(ZoneOffset.UTC).toInstant(), start)
                        .dividedBy(LENGTH)
                + 1;
    }

    Instant end() {
        return start.plus(LENGTH);
    }

    Episode next() {
        return new Episode(end());
    }

    /** {@code 14:05 – 14:10 UTC}. */
    String title() {
        return TIME.format(start) + " \u2013 " + TIME.format(end()) + " UTC";
    }
}
