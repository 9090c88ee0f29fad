package live.tributary.mesh.swarm.simulation;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import live.tributary.mesh.swarm.SwarmConfig;

/**
 * The live mesh's table, from the simulator: {@code [--seed N] [--json] [--relays N,N] [--scenario NAME] [--trace FILE] [--place FILE]}.
 *
 * <p>{@code --scenario model} prints the two simple ways to spread pieces beside the rough model that issue 3 begins with. With {@code --place} the hosts are those that a lab ran on. With {@code --trace} one run is written down, each arrival a line; the same seed gives the same lines.
 */
public final class MeshBench {
    private static final String RELAYS = "3,10,100,1000";
    private static final int LARGE = 500;
    private static final int FIRST_MINUTE = 15;
    /** Of how many meshes plain pull's row is the mean: in one, a slow relay beside the origin decides for a tenth of 100. */
    private static final int SMALL_MESHES = 12;

    private static final int LARGE_MESHES = 3;

    private static final long DEFAULT_SEED = 20261122;

    private long seed = DEFAULT_SEED;
    private boolean json;
    private List<Integer> relays = sizes(RELAYS);
    private List<Kind> only = List.of();
    private Optional<String> trace = Optional.empty();
    private Optional<Place> place = Optional.empty();

    /** What a run is about. */
    enum Kind {
        CALM,
        CHURN,
        HOSTILE,
        KILL,
        PULL,
        FLOOD;

        /** How many meshes, of seeds that follow one another, are run. */
        int meshes(int relays) {
            if (this != PULL) {
                return 1;
            }
            return relays > LARGE ? LARGE_MESHES : SMALL_MESHES;
        }

        Scenario scenario(long seed, int relays) {
            // A large mesh is measured over fewer chunks: it has more relays to measure them at.
            int measured = relays > LARGE ? 3 : 20;
            return switch (this) {
                case CALM -> Scenario.calm(seed, relays).lasting(FIRST_MINUTE, FIRST_MINUTE + measured);
                case CHURN -> Scenario.churning(seed, relays).lasting(FIRST_MINUTE, FIRST_MINUTE + measured);
                case HOSTILE -> Scenario.hostile(seed, relays).lasting(FIRST_MINUTE, FIRST_MINUTE + measured);
                case KILL -> Scenario.calm(seed, relays).with(0, 0, 0, 1 / 3.0);
                case PULL ->
                    Scenario.calm(seed, relays).with(SwarmConfig.Spreading.PULL).lasting(4, 10);
                case FLOOD ->
                    Scenario.calm(seed, relays)
                            .with(SwarmConfig.Spreading.FLOOD)
                            .lasting(4, 10);
            };
        }
    }

    private record Row(int relays, Kind kind, int meshes, Outcome outcome, double seconds) {
        Optional<Model> model() {
            return Model.ALL.stream()
                    .filter(m -> m.kind() == kind && m.relays() == relays)
                    .findFirst();
        }
    }

    /** What the rough model says of a simple way to spread pieces: seconds beyond S/U, and the share of duplicates. */
    private record Model(Kind kind, int relays, double p95, double duplicates) {
        static final List<Model> ALL = List.of(
                new Model(Kind.PULL, 100, 3, 0),
                new Model(Kind.PULL, 1000, 6.5, 0),
                new Model(Kind.FLOOD, 100, 0.33, 2.2),
                new Model(Kind.FLOOD, 1000, 0.40, 2.2));

        /** The whole time here over the model's. */
        double ratio(Outcome outcome) {
            double ideal = outcome.scenario().idealSeconds();
            return (ideal + outcome.p95OverIdeal()) / (ideal + p95);
        }
    }

    private MeshBench(String[] args) {
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--json" -> json = true;
                case "--seed" -> seed = Long.parseLong(value(args, ++i));
                case "--relays" -> relays = sizes(value(args, ++i));
                case "--scenario" -> only = kinds(value(args, ++i));
                case "--place" -> place = Optional.of(place(value(args, ++i)));
                case "--trace" -> trace = Optional.of(value(args, ++i));
                default ->
                    throw new IllegalArgumentException(
                            args[i] + " (expected: --seed, --json, --relays, --scenario, --trace or --place)");
            }
        }
    }

    public static void main(String[] args) throws Exception {
        MeshBench bench;
        try {
            bench = new MeshBench(args);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.exit(2);
            return;
        }
        bench.run();
    }

    private static String value(String[] args, int at) {
        if (at >= args.length) {
            throw new IllegalArgumentException(args[at - 1] + " (expected: a value behind it)");
        }
        return args[at];
    }

    private List<Kind> kinds(String name) {
        if (name.equals("model")) {
            relays = List.of(100, 1000);
            return List.of(Kind.PULL, Kind.FLOOD);
        }
        return List.of(Kind.valueOf(name.toUpperCase(Locale.ROOT)));
    }

    private static Place place(String file) {
        try {
            return Place.read(file);
        } catch (IOException e) {
            throw new IllegalArgumentException("--place: " + e.getMessage() + " (expected: a lab's place, JSON)", e);
        }
    }

    private static List<Integer> sizes(String text) {
        return List.of(text.split(",")).stream().map(Integer::parseInt).toList();
    }

    private void run() throws InterruptedException, ExecutionException, FileNotFoundException {
        place.ifPresent(there -> relays = List.of(there.relays()));
        List<Kind> kinds = only;
        if (kinds.isEmpty()) {
            kinds = place.isPresent() ? List.of(Kind.CALM) : List.of(Kind.CALM, Kind.CHURN, Kind.HOSTILE);
        }
        List<Callable<Row>> runs = new ArrayList<>();
        for (int size : relays.stream().sorted(Comparator.reverseOrder()).toList()) {
            for (Kind kind : kinds) {
                runs.add(() -> row(size, kind));
            }
        }
        int threads = trace.isPresent() ? 1 : Math.min(2, Runtime.getRuntime().availableProcessors());
        ExecutorService pool = Executors.newFixedThreadPool(threads, task -> new Thread(task, "simulation"));
        List<Row> rows = new ArrayList<>();
        try {
            for (Future<Row> row : pool.invokeAll(runs)) {
                rows.add(row.get());
            }
        } finally {
            pool.shutdown();
        }
        rows.sort(Comparator.comparingInt(Row::relays).thenComparing(Row::kind));
        if (!json) {
            System.out.printf(
                    Locale.ROOT,
                    "seed %d; S/U = %.2f s; seconds are beyond S/U%n%6s %-8s %8s %8s %8s %8s %8s %8s %11s %7s %5s %6s%n",
                    seed,
                    Scenario.calm(seed, 1).idealSeconds(),
                    "relays",
                    "case",
                    "uplink",
                    "p50",
                    "p95",
                    "must",
                    "stretch",
                    "worst",
                    "duplicates",
                    "missed",
                    "bad",
                    "cpu s");
        }
        rows.forEach(this::print);
    }

    private Row row(int size, Kind kind) throws FileNotFoundException {
        Trace to = trace.isPresent()
                ? Trace.to(new PrintStream(
                        new java.io.BufferedOutputStream(new java.io.FileOutputStream(trace.get())),
                        false,
                        StandardCharsets.UTF_8))
                : Trace.none();
        long start = System.nanoTime();
        int meshes = trace.isPresent() ? 1 : kind.meshes(size);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < meshes; i++) {
            Scenario any = kind.scenario(seed + i, size);
            outcomes.add(new Simulation(place.map(any::at).orElse(any), place, to).run());
        }
        to.close();
        return new Row(size, kind, meshes, Outcome.mean(outcomes), (System.nanoTime() - start) / 1e9);
    }

    private void print(Row row) {
        Outcome o = row.outcome();
        if (json) {
            String name = "mesh." + row.relays();
            String suffix =
                    row.kind() == Kind.CALM ? "" : "." + row.kind().name().toLowerCase(Locale.ROOT);
            line(row, name + ".uplink" + suffix, o.uplink(), "ratio", 1.15);
            Optional<Model> model = row.model();
            line(
                    row,
                    name + ".p95-over-ideal" + suffix,
                    o.p95OverIdeal(),
                    "seconds",
                    model.map(Model::p95).orElse(o.must()));
            line(
                    row,
                    name + ".duplicates" + suffix,
                    o.duplicates(),
                    "ratio",
                    model.map(Model::duplicates).orElse(0.02));
            if (row.kind() == Kind.HOSTILE) {
                line(row, name + ".bad.hostile", o.badChunks(), "chunks", 0);
            } else {
                line(row, name + ".missed" + suffix, o.missed(), "chunks", 0);
            }
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "%6d %-8s %8.3f %+8.3f %+8.3f %+8.3f %+8.3f %+8.3f %9.2f %% %7d %5d %6.1f%n",
                row.relays(),
                row.kind().name().toLowerCase(Locale.ROOT),
                o.uplink(),
                o.p50() - o.scenario().idealSeconds(),
                o.p95OverIdeal(),
                o.must(),
                o.stretch(),
                o.worst() - o.scenario().idealSeconds(),
                100 * o.duplicates(),
                o.missed(),
                o.badChunks(),
                row.seconds());
        row.model()
                .ifPresent(m -> System.out.printf(
                        Locale.ROOT,
                        "%6s %s; the rough model: p95 %+.3f, duplicates %.0f %%; the whole time is %.2f of the model's%n",
                        "",
                        row.meshes() == 1 ? "one mesh" : "mean of " + row.meshes() + " meshes",
                        m.p95(),
                        100 * m.duplicates(),
                        m.ratio(o)));
    }

    private static void line(Row row, String name, double value, String unit, double must) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"%s\",\"reference\":\"bound\",\"reference_value\":%.4f,"
                        + "\"ratio\":%s,\"rounds\":%d}%n",
                name,
                value,
                unit,
                must,
                must == 0 ? "null" : String.format(Locale.ROOT, "%.4f", value / must),
                row.meshes());
    }
}
