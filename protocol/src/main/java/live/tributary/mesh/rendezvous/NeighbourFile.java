package live.tributary.mesh.rendezvous;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import live.tributary.mesh.program.HostPort;
import live.tributary.protocol.stream.Endpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The neighbours of the last run, by which the next one joins should the bootstrap nodes be gone; one address a line. */
record NeighbourFile(Path path) {
    private static final Logger LOG = LoggerFactory.getLogger(NeighbourFile.class);
    private static final int MAX_LENGTH = 16 * 1024;

    /** What can be read; nothing where there is no file or it is damaged. */
    List<InetSocketAddress> read() {
        if (!Files.exists(path)) {
            return List.of();
        }
        try (var in = Files.newInputStream(path)) {
            String text = new String(in.readNBytes(MAX_LENGTH), StandardCharsets.US_ASCII);
            return text.lines()
                    .map(HostPort::parse)
                    .map(HostPort::resolve) // Numbers only are written, so no name is looked up.
                    .filter(address -> !address.isUnresolved())
                    .toList();
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn("{} is damaged and left out", path, e);
            return List.of();
        }
    }

    void write(List<InetSocketAddress> addresses) {
        if (addresses.isEmpty()) {
            return;
        }
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        List<String> lines =
                addresses.stream().map(address -> Endpoint.of(address).text()).toList();
        try {
            Files.write(fresh, lines, StandardCharsets.US_ASCII);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("{} cannot be written", path, e);
        }
    }
}
