package live.tributary.mesh.program;

import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a program says on stdout once every socket is bound: {@code READY} and a JSON object.
 *
 * @param id the stream's key for an origin, the node's own key for a relay and a gateway
 * @param addresses {@code tcp}, {@code udp}, {@code dht}, {@code http}, {@code admin} as {@code host:port}, in this order, those
 *     that there are
 */
public record Ready(ProgramKind role, String id, Map<String, String> addresses) {
    public Ready {
        addresses = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(addresses));
    }

    public static Ready of(ProgramKind role, String id) {
        return new Ready(role, id, Map.of());
    }

    public Ready tcp(InetSocketAddress bound) {
        return with("tcp", bound);
    }

    public Ready udp(InetSocketAddress bound) {
        return with("udp", bound);
    }

    public Ready dht(InetSocketAddress bound) {
        return with("dht", bound);
    }

    public Ready http(InetSocketAddress bound) {
        return with("http", bound);
    }

    public Ready admin(InetSocketAddress bound) {
        return with("admin", bound);
    }

    private Ready with(String name, InetSocketAddress bound) {
        Map<String, String> more = new LinkedHashMap<>(addresses);
        String host = NetUtil.toAddressString(bound.getAddress()); // As RFC 5952 writes it.
        more.put(name, new HostPort(host, bound.getPort()).toString());
        return new Ready(role, id, more);
    }

    String line() {
        // Keys and addresses hold no character that JSON would escape.
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("role", role.text());
        fields.put("id", id);
        fields.putAll(addresses);
        return "READY "
                + fields.entrySet().stream()
                        .map(field -> '"' + field.getKey() + "\":\"" + field.getValue() + '"')
                        .collect(Collectors.joining(",", "{", "}"));
    }
}
