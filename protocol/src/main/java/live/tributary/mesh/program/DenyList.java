package live.tributary.mesh.program;

import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.stream.StreamKey;

/**
 * What {@code --deny} names, one entry a line: streams that are not carried or listed, and addresses or networks that are not served. What
 * stands behind {@code #} is not read.
 */
public final class DenyList {
    public static final DenyList EMPTY = new DenyList(Set.of(), List.of());

    private static final long MAX_LENGTH = 4L * 1024 * 1024;
    private final Set<StreamKey> streams;
    private final List<Network> networks;

    private DenyList(Set<StreamKey> streams, List<Network> networks) {
        this.streams = streams;
        this.networks = networks;
    }

    /** The addresses that begin with the first {@code bits} of {@code prefix}. */
    private record Network(byte[] prefix, int bits) {
        boolean contains(byte[] address) {
            if (address.length != prefix.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> bit % Byte.SIZE;
                if (((address[bit / Byte.SIZE] ^ prefix[bit / Byte.SIZE]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /** What the operator's file names, if there is one. */
    public static DenyList readOrEmpty(Optional<Path> file) throws StartException {
        if (file.isEmpty()) {
            return EMPTY;
        }
        try {
            return read(file.get());
        } catch (IOException e) {
            throw new StartException("--deny: " + e.getMessage(), e);
        }
    }

    /** @throws IOException naming the line that is no entry, or the file that cannot be read */
    public static DenyList read(Path file) throws IOException {
        if (Files.size(file) > MAX_LENGTH) {
            throw new IOException(file + ": " + Files.size(file) + " bytes (expected: <= " + MAX_LENGTH + ")");
        }
        Set<StreamKey> streams = new HashSet<>();
        List<Network> networks = new ArrayList<>();
        int number = 0;
        for (String line : Files.readAllLines(file)) {
            number++;
            String entry = line.split("#", 2)[0].strip();
            if (entry.isEmpty()) {
                continue;
            }
            try {
                if (entry.contains(".") || entry.contains(":")) {
                    networks.add(network(entry));
                } else {
                    streams.add(StreamKey.fromText(entry));
                }
            } catch (IllegalArgumentException e) {
                throw new IOException(
                        file + ", line " + number + ": " + entry
                                + " (expected: a stream's key, an address, or a network)",
                        e);
            }
        }
        return new DenyList(streams, networks);
    }

    private static Network network(String entry) {
        String[] parts = entry.split("/", 2);
        byte[] prefix = NetUtil.createByteArrayFromIpAddressString(parts[0]); // Looks no name up.
        if (prefix == null) {
            throw new IllegalArgumentException("address: " + parts[0] + " (expected: IPv4 or IPv6)");
        }
        int all = prefix.length * Byte.SIZE;
        int bits = parts.length == 1 ? all : Integer.parseInt(parts[1]);
        if (bits < 0 || bits > all) {
            throw new IllegalArgumentException("bits: " + bits + " (expected: 0.." + all + ")");
        }
        return new Network(prefix, bits);
    }

    public boolean denies(StreamKey stream) {
        return streams.contains(stream);
    }

    public boolean denies(InetAddress address) {
        byte[] raw = address.getAddress();
        return networks.stream().anyMatch(network -> network.contains(raw));
    }
}
