package live.tributary.mesh.program;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.BindException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Runs a program from its arguments to its exit code. */
public final class Launcher {
    private static final String LEAK_DETECTION = "io.netty.leakDetection.level";
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    /** The contract gives a stop five seconds; the rest is the virtual machine's. */
    private static final Duration STOP_LIMIT = Duration.ofMillis(4500);

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    Launcher(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = Map.copyOf(environment);
        this.out = out;
        this.err = err;
    }

    /** What a {@code main} calls, once; ends the virtual machine. */
    public static void main(Program program, String[] args) {
        if (System.getProperty(LEAK_DETECTION) == null) {
            System.setProperty(
                    LEAK_DETECTION, "disabled"); // Its samples take a tenth of what serving takes; tests have them.
        }
        Lifecycle life = new Lifecycle();
        CountDownLatch closed = new CountDownLatch(1);
        int[] code = {OK};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(life, closed, code), "stop"));
        code[0] = new Launcher(System.getenv(), System.out, System.err).run(program, args, life);
        closed.countDown();
        System.exit(code[0]);
    }

    /** Runs in the hook: a plain return would leave the virtual machine its own exit code for a signal, 143. */
    private static void stop(Lifecycle life, CountDownLatch closed, int[] code) {
        life.stop();
        try {
            if (!closed.await(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                LoggerFactory.getLogger(Launcher.class).warn("not everything closed in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.out.flush();
        System.err.flush();
        Runtime.getRuntime().halt(code[0]);
    }

    /** Returns the exit code once the program has ended and everything is closed. */
    int run(Program program, String[] args, Lifecycle life) {
        String name = program.kind().text();
        try {
            return parseAndRun(program, List.of(args), life);
        } catch (UsageException e) {
            return tell(name, e.getMessage(), USAGE);
        } catch (StartException e) {
            return tell(name, e.getMessage(), FAILED);
        } catch (BindException e) {
            return tell(
                    name,
                    "cannot listen: " + e.getMessage() + " (expected: a free port, an address of this machine)",
                    FAILED);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return FAILED;
        } catch (Exception e) {
            Logger log = LoggerFactory.getLogger(Launcher.class);
            log.error("{} failed", name, e);
            return FAILED;
        } finally {
            life.close();
        }
    }

    private int tell(String name, @Nullable String message, int code) {
        err.println(name + ": " + String.valueOf(message).replaceAll("\\R", " "));
        return code;
    }

    private int parseAndRun(Program program, List<String> args, Lifecycle life) throws Exception {
        CommandLine line = commandLine(program);
        List<OptionSpec> options = configurable(line.getCommandSpec());
        if (args.contains(StandardOptions.PRINT_CONFIG)) {
            out.print(ConfigFile.print(program.kind(), options));
            return OK;
        }
        OptionValues values = values(program.kind(), args, options);
        line.setDefaultValueProvider(values);
        ParseResult parsed = parse(line, args, values);
        if (parsed.hasSubcommand()) { // What stands before a command is meant for it too.
            values.told(parsed.matchedOptions());
            parsed = parse(line, args, values);
        }
        ParseResult command = parsed.hasSubcommand() ? parsed.subcommand() : parsed;
        if (command.isUsageHelpRequested()) {
            describeDefaults(command.commandSpec(), program.kind());
            command.commandSpec().commandLine().usage(writer(), Ansi.OFF);
            return OK;
        }
        if (command.isVersionHelpRequested()) {
            out.println("tributary " + program.kind().text() + " " + ProgramVersion.current());
            return OK;
        }
        return parsed.hasSubcommand() ? call(command.commandSpec()) : serve(program, life);
    }

    private static ParseResult parse(CommandLine line, List<String> args, OptionValues values) {
        try {
            return line.parseArgs(args.toArray(String[]::new));
        } catch (ParameterException e) {
            throw new UsageException(explain(e, values, args));
        }
    }

    private static CommandLine commandLine(Program program) {
        CommandLine line = new CommandLine(program);
        CommandSpec spec = line.getCommandSpec();
        spec.addMixin("standard", CommandSpec.forAnnotatedObject(new StandardOptions()));
        spec.usageMessage().sortOptions(false).width(100);
        for (CommandLine subcommand : line.getSubcommands().values()) {
            subcommand.getCommandSpec().addMixin("command", CommandSpec.forAnnotatedObject(new CommandOptions()));
        }
        Converters.register(line);
        line.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        return line;
    }

    /** Only the program's kind knows some of the defaults, and picocli would print the empty ones. */
    private static void describeDefaults(CommandSpec spec, ProgramKind kind) {
        for (OptionSpec option : List.copyOf(spec.options())) {
            String[] description = option.description().clone();
            OptionValues.defaultOf(option, kind)
                    .filter(value -> description.length > 0)
                    .ifPresent(value -> description[description.length - 1] += " Default: " + value);
            String label = option.paramLabel();
            spec.remove(option);
            spec.addOption(option.toBuilder()
                    .description(description)
                    .paramLabel(
                            label.startsWith("<") ? "true|false" : label) // A flag, which picocli names by its field.
                    .build());
        }
    }

    /** The options that may stand in a file: all but those about the options. */
    private static List<OptionSpec> configurable(CommandSpec spec) {
        Set<OptionSpec> standard = new HashSet<>(
                CommandSpec.forAnnotatedObject(new StandardOptions()).options());
        return spec.options().stream()
                .filter(option -> !standard.contains(option))
                .toList();
    }

    private OptionValues values(ProgramKind kind, List<String> args, List<OptionSpec> options) {
        Set<String> keys = options.stream().map(OptionValues::key).collect(Collectors.toSet());
        Map<String, String> file = Map.of();
        String config = configFile(args, kind);
        if (!config.isEmpty()) {
            file = ConfigFile.read(new Converters.HomePath().convert(config), keys);
        }
        return new OptionValues(kind, environment, file);
    }

    /** The file is needed before the arguments are parsed: it holds their defaults. */
    private String configFile(List<String> args, ProgramKind kind) {
        String flag = "--" + StandardOptions.CONFIG;
        for (int i = 0; i < args.size(); i++) {
            if (args.get(i).startsWith(flag + "=")) {
                return args.get(i).substring(flag.length() + 1);
            }
            if (args.get(i).equals(flag) && i + 1 < args.size()) {
                return args.get(i + 1);
            }
        }
        return environment.getOrDefault(kind.environmentVariable(StandardOptions.CONFIG), "");
    }

    private static String explain(ParameterException e, OptionValues values, List<String> args) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            return unmatched.getUnmatched().get(0) + ": unknown (expected: what --help lists)";
        }
        if (e.getArgSpec() instanceof OptionSpec option
                && e.getCause() instanceof CommandLine.TypeConversionException cause) {
            Set<String> flags = args.stream().map(arg -> arg.split("=", 2)[0]).collect(Collectors.toSet());
            return values.source(option, flags) + ": " + cause.getMessage();
        }
        return String.valueOf(e.getMessage());
    }

    private static int call(CommandSpec command) throws Exception {
        if (!(command.userObject() instanceof Callable<?> callable)) {
            throw new IllegalStateException(command.name() + " is not callable");
        }
        return callable.call() instanceof Integer code ? code : OK;
    }

    private int serve(Program program, Lifecycle life) throws Exception {
        Ready ready = program.start(life);
        out.println(ready.line());
        out.flush();
        life.awaitEnd();
        life.close();
        return life.failed() ? FAILED : OK;
    }

    private PrintWriter writer() {
        return new PrintWriter(out, true, StandardCharsets.UTF_8);
    }
}
