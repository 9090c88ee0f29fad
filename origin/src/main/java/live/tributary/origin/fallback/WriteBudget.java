package live.tributary.origin.fallback;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import live.tributary.mesh.program.Disk;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many writes a calendar month (UTC) may cost; the count is on disk.
 *
 * <p>The disk hears of every hundredth write, and what it did not hear counts as done: after a crash the count is at most a
 * hundred too high, never too low.
 */
final class WriteBudget {
    private static final Logger log = LoggerFactory.getLogger(WriteBudget.class);
    private static final Pattern TEXT = Pattern.compile("(\\d{4}-(?:0[1-9]|1[0-2])) (\\d{1,15})\\s*");
    private static final int STEP = 100;
    private static final int MAX_FILE = 100;

    private final Path file;
    private final long max;
    private YearMonth month = YearMonth.of(1970, 1);
    private long used;
    private long onDisk;
    private boolean told;

    WriteBudget(Path file, long max) throws IOException {
        this.file = file;
        this.max = max;
        try (var in = Files.newInputStream(file)) {
            Matcher matcher = TEXT.matcher(new String(in.readNBytes(MAX_FILE), StandardCharsets.UTF_8));
            if (matcher.matches()) {
                month = YearMonth.parse(matcher.group(1));
                used = Long.parseLong(matcher.group(2));
                onDisk = used;
            } else {
                log.warn("{}: not a count of writes; counting anew", file);
            }
        } catch (NoSuchFileException e) {
            log.debug("no writes counted yet");
        }
    }

    /** Whether one more write may be done; it then counts. */
    synchronized boolean take(Instant now) throws IOException {
        YearMonth current = YearMonth.from(now.atZone(ZoneOffset.UTC));
        if (!current.equals(month)) {
            month = current;
            used = 0;
            onDisk = 0;
            told = false;
        }
        if (used >= max) {
            if (!told) {
                told = true;
                log.error(
                        "--bucket-budget: {} writes in {} are used up; the bucket gets nothing until the next",
                        max,
                        month);
            }
            return false;
        }
        used++;
        if (used > onDisk) {
            onDisk = used + STEP - 1;
            write();
        }
        return true;
    }

    private void write() throws IOException {
        Disk.REAL.replace(file, (month + " " + onDisk + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
