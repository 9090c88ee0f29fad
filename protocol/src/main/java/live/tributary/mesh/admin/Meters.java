package live.tributary.mesh.admin;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The running program's meters, each one of {@link Meter}.
 *
 * <p>Tag values are given in the order of the meter's tags; enums become lower case with dashes. The registry behind them is
 * made by the first scrape or the first time measured, so that a start does not wait for it.
 */
public final class Meters {
    private static final Duration[] LATENCY_BUCKETS = {
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(2),
        Duration.ofSeconds(4),
        Duration.ofSeconds(8),
        Duration.ofSeconds(16)
    };

    private final Tags common;
    private final Map<Series, Tally> tallies = new LinkedHashMap<>();
    private final Map<Series, DoubleSupplier> gauges = new LinkedHashMap<>();
    private @Nullable PrometheusMeterRegistry registry;

    /** One line of the exposition: a meter and the values of its tags. */
    private record Series(Meter meter, List<String> values) {
        private Series {
            if (values.size() != meter.tags().size()) {
                throw new IllegalArgumentException(meter + ": " + values + " (expected: " + meter.tags() + ")");
            }
        }

        Tags tags() {
            List<Tag> tags = new ArrayList<>();
            for (int i = 0; i < values.size(); i++) {
                tags.add(Tag.of(meter.tags().get(i), values.get(i)));
            }
            return Tags.of(tags);
        }
    }

    /** @param region where this node is, if that is known; told with every meter */
    public Meters(Optional<String> region) {
        this.common = region.map(name -> Tags.of("region", name)).orElse(Tags.empty());
    }

    public Meters() {
        this(Optional.empty());
    }

    /** The count of a series, made where it is new. */
    public synchronized Tally tally(Meter meter, Object... tagValues) {
        require(meter, Meter.Type.COUNTER);
        Series series = series(meter, tagValues);
        Tally known = tallies.get(series);
        if (known != null) {
            return known;
        }
        Tally tally = new Tally();
        tallies.put(series, tally);
        if (registry != null) {
            bind(registry, series, tally);
        }
        return tally;
    }

    /** Shows a value that is asked for at each scrape; the last word of a series counts. */
    public synchronized void gauge(DoubleSupplier value, Meter meter, Object... tagValues) {
        require(meter, Meter.Type.GAUGE);
        Series series = series(meter, tagValues);
        boolean fresh = gauges.put(series, value) == null;
        if (fresh && registry != null) {
            bind(registry, series);
        }
    }

    /** Measures one duration. */
    public void record(Meter meter, Duration duration) {
        require(meter, Meter.Type.TIMER);
        Timer.builder(meter.dottedName())
                .description(meter.description())
                .serviceLevelObjectives(LATENCY_BUCKETS)
                .tags(common)
                .register(registry())
                .record(duration.isNegative() ? Duration.ZERO : duration);
    }

    /** The sum of a counter's series with these first tag values. */
    public synchronized long sum(Meter meter, Object... firstTagValues) {
        List<String> wanted = texts(firstTagValues);
        return tallies.entrySet().stream()
                .filter(entry -> entry.getKey().meter() == meter
                        && entry.getKey().values().subList(0, wanted.size()).equals(wanted))
                .mapToLong(entry -> entry.getValue().sum())
                .sum();
    }

    /** Prometheus' text format. */
    public String scrape() {
        return registry().scrape();
    }

    private synchronized PrometheusMeterRegistry registry() {
        PrometheusMeterRegistry made = registry;
        if (made == null) {
            made = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
            registry = made;
            for (Map.Entry<Series, Tally> entry : tallies.entrySet()) {
                bind(made, entry.getKey(), entry.getValue());
            }
            for (Series series : gauges.keySet()) {
                bind(made, series);
            }
        }
        return made;
    }

    private void bind(PrometheusMeterRegistry registry, Series series, Tally tally) {
        Meter meter = series.meter();
        var builder = FunctionCounter.builder(meter.dottedName(), tally, Tally::sum)
                .description(meter.description())
                .tags(common.and(series.tags()));
        (meter.unit().isEmpty() ? builder : builder.baseUnit(meter.unit())).register(registry);
    }

    private void bind(PrometheusMeterRegistry registry, Series series) {
        Meter meter = series.meter();
        var builder = Gauge.builder(meter.dottedName(), () -> read(series))
                .description(meter.description())
                .tags(common.and(series.tags()));
        (meter.unit().isEmpty() ? builder : builder.baseUnit(meter.unit())).register(registry);
    }

    private double read(Series series) {
        DoubleSupplier value;
        synchronized (this) {
            value = gauges.get(series);
        }
        return value == null ? Double.NaN : value.getAsDouble();
    }

    private static void require(Meter meter, Meter.Type type) {
        if (meter.type() != type) {
            throw new IllegalArgumentException(meter + ": " + meter.type() + " (expected: " + type + ")");
        }
    }

    private static Series series(Meter meter, Object[] tagValues) {
        return new Series(meter, texts(tagValues));
    }

    private static List<String> texts(Object[] tagValues) {
        List<String> texts = new ArrayList<>();
        for (Object value : tagValues) {
            texts.add(
                    value instanceof Enum<?> constant
                            ? constant.name().toLowerCase(Locale.ROOT).replace('_', '-')
                            : value.toString());
        }
        return texts;
    }
}
