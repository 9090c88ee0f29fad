package live.tributary.relay.edge;

import java.net.Inet4Address;
import java.net.URI;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.http.HttpQuery;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.NodeRole;

/** Where else a chunk may be had: a relay that has shown that it holds it, else the bucket. */
final class OtherPlaces {
    /** Marks a client that was sent on already, so that it is not sent round in circles. */
    static final String SENT_ON = "sent-on";

    private static final int BUCKET_HASH_DIGITS = 8;
    private static final int ROOM_PER_MILLE = 700;

    private OtherPlaces() {}

    static Optional<String> of(StreamView stream, ChunkRecord record, HttpQuery query, Keepers keepers) {
        return relay(stream, record, query, keepers).or(() -> bucket(stream, record));
    }

    private static Optional<String> relay(StreamView stream, ChunkRecord record, HttpQuery query, Keepers keepers) {
        if (query.rawQuery().contains(SENT_ON)) {
            return Optional.empty();
        }
        boolean ipv4 = query.remote().getAddress() instanceof Inet4Address;
        return keepers.of(stream, record).stream()
                .map(holder -> base(holder, query.tls(), ipv4))
                .flatMap(Optional::stream)
                .findFirst()
                .map(base -> base + "/live/" + stream.key().text() + "/" + record.rendition() + "/" + record.fileName()
                        + "?" + SENT_ON);
    }

    /**
     * The same path at the relay that says that it has most room; none for one who was sent on already.
     *
     * @param orFull whether a relay that is nearly full is better than none
     */
    static Optional<String> withRoom(StreamView stream, HttpQuery query, boolean orFull) {
        if (query.rawQuery().contains(SENT_ON)) {
            return Optional.empty();
        }
        boolean ipv4 = query.remote().getAddress() instanceof Inet4Address;
        return stream.relays().stream()
                .filter(relay -> relay.role() == NodeRole.RELAY && (orFull || load(relay) <= ROOM_PER_MILLE))
                .sorted(Comparator.comparingInt(OtherPlaces::load))
                .map(relay -> base(relay, query.tls(), ipv4))
                .flatMap(Optional::stream)
                .findFirst()
                .map(base -> base + query.rawPath() + "?" + SENT_ON);
    }

    private static int load(RelayView relay) {
        return relay.descriptor()
                .map(descriptor -> descriptor.body().loadPerMille())
                .orElse(Integer.MAX_VALUE);
    }

    /** Who came by TLS can follow only to TLS; who came by IPv4 may have nothing else. */
    private static Optional<String> base(RelayView holder, boolean tls, boolean ipv4) {
        Optional<Endpoint> endpoint = holder.endpoints().stream()
                .filter(candidate -> candidate.isIpv4() == ipv4)
                .findFirst();
        if (!tls) {
            return endpoint.map(reached -> "http://" + reached.text());
        }
        List<Endpoint> all = holder.endpoints();
        return holder.descriptor()
                .flatMap(descriptor -> descriptor.body().tlsName())
                .filter(name -> !all.isEmpty())
                .map(name -> "https://" + name + ":" + all.get(0).port());
    }

    private static Optional<String> bucket(StreamView stream, ChunkRecord record) {
        if (!stream.storedInBucket(record.chunk())) {
            return Optional.empty();
        }
        String hash = record.body().sha256().hex().substring(0, BUCKET_HASH_DIGITS);
        return stream.head()
                .flatMap(head -> head.head().fallback())
                .map(URI::toString)
                .map(base -> (base.endsWith("/") ? base : base + "/") + record.rendition() + "/" + record.seq() + "-"
                        + hash + "." + record.body().container().extension());
    }
}
