package live.tributary.gateway.geo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes small MMDB files (format 2.0, records of 32 bits): networks of one family, and a map of values for each. */
public final class MmdbFile {
    private static final int SEPARATOR = 16;

    private final int ipVersion;
    private final List<int[]> nodes = new ArrayList<>(List.of(new int[2]));
    private final List<Map<String, Object>> entries = new ArrayList<>();

    public MmdbFile(int ipVersion) {
        this.ipVersion = ipVersion;
    }

    public MmdbFile put(String cidr, Map<String, Object> values) {
        Cidr block = Cidr.parse(cidr);
        byte[] raw = block.network().getAddress();
        // An IPv4 network in an IPv6 file lies behind 96 zero bits.
        int lead = ipVersion == 6 && raw.length == 4 ? 96 : 0;
        int node = 0;
        int depth = lead + block.prefixLength();
        for (int bit = 0; bit < depth; bit++) {
            int side = bit < lead ? 0 : raw[(bit - lead) / 8] >> 7 - (bit - lead) % 8 & 1;
            if (bit == depth - 1) {
                entries.add(values);
                nodes.get(node)[side] = -entries.size();
            } else {
                if (nodes.get(node)[side] <= 0) {
                    nodes.add(new int[2]);
                    nodes.get(node)[side] = nodes.size() - 1;
                }
                node = nodes.get(node)[side];
            }
        }
        return this;
    }

    public Path write(Path file) throws IOException {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        List<Integer> offsets = new ArrayList<>();
        for (Map<String, Object> entry : entries) {
            offsets.add(data.size());
            value(data, entry);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int[] node : nodes) {
            for (int record : node) {
                int pointer = record > 0
                        ? record
                        : record == 0 ? nodes.size() : nodes.size() + SEPARATOR + offsets.get(-record - 1);
                out.writeBytes(ByteBuffer.allocate(4).putInt(pointer).array());
            }
        }
        out.writeBytes(new byte[SEPARATOR]);
        out.writeBytes(data.toByteArray());
        out.writeBytes(new byte[] {(byte) 0xab, (byte) 0xcd, (byte) 0xef});
        out.writeBytes("MaxMind.com".getBytes(StandardCharsets.US_ASCII));
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("binary_format_major_version", 2L);
        metadata.put("binary_format_minor_version", 0L);
        metadata.put("build_epoch", 1L);
        metadata.put("database_type", "test");
        metadata.put("ip_version", (long) ipVersion);
        metadata.put("node_count", (long) nodes.size());
        metadata.put("record_size", 32L);
        value(out, metadata);
        return Files.write(file, out.toByteArray());
    }

    private static void value(ByteArrayOutputStream out, Object value) {
        if (value instanceof Map<?, ?> map) {
            out.write(7 << 5 | map.size());
            map.forEach((key, item) -> {
                value(out, key);
                value(out, item);
            });
        } else if (value instanceof String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            if (bytes.length < 29) {
                out.write(2 << 5 | bytes.length);
            } else {
                out.write(2 << 5 | 29);
                out.write(bytes.length - 29);
            }
            out.writeBytes(bytes);
        } else if (value instanceof Double number) {
            out.write(3 << 5 | 8);
            out.writeBytes(ByteBuffer.allocate(8).putDouble(number).array());
        } else if (value instanceof Long number) {
            out.write(6 << 5 | 4);
            out.writeBytes(ByteBuffer.allocate(4).putInt(number.intValue()).array());
        } else {
            throw new IllegalArgumentException("value: " + value + " (expected: map, text, double or long)");
        }
    }

    static InetAddress address(String text) {
        return Cidr.numeric(text);
    }
}
