package live.tributary.mesh.program;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import picocli.CommandLine.Model.OptionSpec;

/** The file given with {@code --config}, read, and the one that {@code --print-config} writes. */
final class ConfigFile {
    private static final int MAX_LENGTH = 256 * 1024;

    private ConfigFile() {}

    static Map<String, String> read(Path path, Set<String> known) {
        Properties properties = new Properties();
        try (var in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(MAX_LENGTH + 1);
            if (bytes.length > MAX_LENGTH) {
                throw new UsageException("--config: " + path + " is longer than 256 KiB (expected: a properties file)");
            }
            try (Reader text = new StringReader(new String(bytes, StandardCharsets.UTF_8))) {
                properties.load(text);
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException("--config: " + path + " (expected: a readable Java properties file)");
        }
        Map<String, String> values = new HashMap<>();
        for (String key : properties.stringPropertyNames()) {
            if (!known.contains(key)) {
                throw new UsageException(path + ": " + key + " (expected: a key that --print-config prints)");
            }
            values.put(key, properties.getProperty(key).strip());
        }
        return values;
    }

    static String print(ProgramKind kind, List<OptionSpec> options) {
        StringBuilder text =
                new StringBuilder("# Tributary " + kind.text() + ": the defaults. Each key is a flag too (--"
                        + "key) and an environment variable\n# (" + kind.environmentPrefix()
                        + "KEY); flags come before the environment, and that before this file.\n");
        for (OptionSpec option : options) {
            String key = OptionValues.key(option);
            text.append('\n');
            for (String line : option.description()) {
                text.append("# ").append(line.replace("%n", "\n# ")).append('\n');
            }
            text.append(OptionValues.defaultOf(option, kind)
                    .map(value -> key + " = " + value.replace("\\", "\\\\"))
                    .orElse("# " + key + " = " + option.paramLabel()));
            text.append('\n');
        }
        return text.toString();
    }
}
