package live.tributary.mesh.program;

import java.util.Optional;
import picocli.CommandLine.Option;

/** The options about the options that a program's commands have. */
final class CommandOptions {
    @Option(
            names = "--" + StandardOptions.CONFIG,
            paramLabel = "FILE",
            description = "The program's properties file, whose settings count here too.")
    Optional<String> config = Optional.empty(); // Read before the arguments are parsed.

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this help, and exit.")
    boolean help;
}
