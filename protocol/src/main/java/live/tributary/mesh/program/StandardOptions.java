package live.tributary.mesh.program;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options about the options. */
final class StandardOptions {
    static final String CONFIG = "config";
    static final String PRINT_CONFIG = "--print-config";

    @Option(names = "--config", paramLabel = "FILE", description = "Java properties file with an option in each line.")
    Optional<Path> config = Optional.empty();

    @Option(names = PRINT_CONFIG, description = "Print such a file with the defaults, and exit.")
    boolean printConfig;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this help, and exit.")
    boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Print the version, and exit.")
    boolean version;
}
