package live.tributary.protocol.metainfo;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import live.tributary.protocol.bencode.Bencode;

/** A .torrent file around an info dictionary that is carried byte for byte (BEP 3, 12). */
final class Metainfo {
    private Metainfo() {}

    static byte[] encode(byte[] info, List<String> trackers) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write('d');
        if (!trackers.isEmpty()) {
            byte[] announce = Bencode.encode(Map.of("announce", trackers.get(0)));
            out.write(announce, 1, announce.length - 2);
            byte[] tiers = Bencode.encode(
                    Map.of("announce-list", trackers.stream().map(List::of).toList()));
            out.write(tiers, 1, tiers.length - 2);
        }
        out.writeBytes("4:info".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(info);
        out.write('e');
        return out.toByteArray();
    }
}
