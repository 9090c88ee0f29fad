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
    static final int MAX_LENGTH = 16 * 1024;

    /** What can be read; nothing where there is no file or it is damaged, which is then set aside. */
    List<InetSocketAddress> read() {
        if (!Files.exists(path)) {
            return List.of();
        }
        try (var in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(MAX_LENGTH + 1);
            if (bytes.length > MAX_LENGTH) {
                throw new IOException("longer (expected: <= " + MAX_LENGTH + " bytes)");
            }
            return new String(bytes, StandardCharsets.US_ASCII)
                    .lines()
                    .map(HostPort::parse)
                    .map(HostPort::resolve) // Numbers only are written, so no name is looked up.
                    .filter(address -> !address.isUnresolved())
                    .toList();
        } catch (IOException | IllegalArgumentException e) {
            setAside(String.valueOf(e.getMessage()));
            return List.of();
        }
    }

    private void setAside(String why) {
        Path aside = path.resolveSibling(path.getFileName() + ".aside");
        try {
            Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.warn("{} cannot be used ({}); it is {} now", path, why, aside);
        } catch (IOException e) {
            LOG.warn("{} cannot be used ({}), nor set aside: {}", path, why, e.toString());
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
