package live.tributary.relay;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The relay as a process of its own, as volunteers run it. */
final class RelayProcess implements AutoCloseable {
    private static final String READY = "READY ";

    private final Process process;
    private final JsonNode ready;

    private RelayProcess(Process process, JsonNode ready) {
        this.process = process;
        this.ready = ready;
    }

    static Process launch(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Returns when the relay is ready, or throws where it ended before. */
    static RelayProcess start(String... arguments) throws IOException {
        Process process = launch(arguments);
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String line = out.readLine();
        if (line == null || !line.startsWith(READY)) {
            process.destroyForcibly();
            throw new IOException("first line: " + line + " (expected: READY)");
        }
        return new RelayProcess(process, new ObjectMapper().readTree(line.substring(READY.length())));
    }

    String id() {
        return ready.path("id").asText();
    }

    int port() {
        return port("tcp");
    }

    int adminPort() {
        return port("admin");
    }

    private int port(String name) {
        String address = ready.path(name).asText();
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    }

    /** SIGTERM, and the exit code. */
    int stop() throws InterruptedException, IOException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            throw new IOException("the relay did not stop within 10 s");
        }
        return process.exitValue();
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
