package live.tributary.mesh.program;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** What an option is where the command line does not name it: what stood before the command, else the environment's word, else the file's, else the default. */
final class OptionValues implements IDefaultValueProvider {
    private final ProgramKind kind;
    private final Map<String, String> environment;
    private final Map<String, String> file;
    private final Map<String, String> defaults;
    private final Map<String, String> sources = new HashMap<>();
    private final Map<String, String> told = new HashMap<>();

    OptionValues(ProgramKind kind, Map<String, String> environment, Map<String, String> file) {
        this.kind = kind;
        this.environment = environment;
        this.file = file;
        this.defaults = kind.defaults();
    }

    /** The key of an option in the file: its name without dashes in front. */
    static String key(OptionSpec option) {
        return option.longestName().replaceFirst("^-+", "");
    }

    /** What an option is where nobody says anything; empty where it then has no value. */
    static Optional<String> defaultOf(OptionSpec option, ProgramKind kind) {
        String declared = option.defaultValue();
        String value = kind.defaults().getOrDefault(key(option), declared);
        return Optional.ofNullable(value).filter(text -> !text.equals(Option.NULL_VALUE));
    }

    /** Lets these count for a command too, before whose name they stood. */
    void told(List<OptionSpec> options) {
        for (OptionSpec option : options) {
            told.put(
                    key(option),
                    option.stringValues().isEmpty()
                            ? String.valueOf(option.<Object>getValue())
                            : String.join(",", option.stringValues()));
        }
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        if (!(argument instanceof OptionSpec option)) {
            return null;
        }
        String key = key(option);
        String variable = kind.environmentVariable(key);
        if (told.containsKey(key)) {
            return told.get(key);
        }
        String set = environment.getOrDefault(variable, "");
        if (!set.isEmpty()) { // Compose files and unit files leave a variable empty to say nothing.
            sources.put(key, variable);
            return set;
        }
        if (file.containsKey(key)) {
            sources.put(key, key);
            return file.get(key);
        }
        return defaults.get(key);
    }

    /** Where the value of an option came from, as the operator wrote it. */
    String source(OptionSpec option, Set<String> onCommandLine) {
        String name = option.longestName();
        return onCommandLine.contains(name) ? name : sources.getOrDefault(key(option), name);
    }
}
