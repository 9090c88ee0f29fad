package live.tributary.mesh.rendezvous;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * DHT nodes that have answered, by address and port; the least recently heard is forgotten first.
 *
 * <p>bt-dht's routing table keeps one node of each IP address. In a private DHT many nodes may share one, so each lookup asks
 * these besides the table's. Used on the DHT's thread alone.
 */
final class Neighbours {
    private static final int MAX = 64;
    private static final int MAX_FAILURES = 3;

    private final Map<InetSocketAddress, Integer> failures = new LinkedHashMap<>(16, 0.75f, true);

    /** Returns whether it is new here. */
    boolean answered(InetSocketAddress address) {
        boolean fresh = failures.put(address, 0) == null;
        Iterator<InetSocketAddress> eldest = failures.keySet().iterator();
        while (failures.size() > MAX) {
            eldest.next();
            eldest.remove();
        }
        return fresh;
    }

    void failed(InetSocketAddress address) {
        failures.computeIfPresent(address, (key, count) -> count + 1 >= MAX_FAILURES ? null : count + 1);
    }

    boolean isEmpty() {
        return failures.isEmpty();
    }

    List<InetSocketAddress> addresses() {
        return new ArrayList<>(failures.keySet());
    }
}
