package live.tributary.mesh.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import live.tributary.mesh.RelayView;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.program.ProgramKind;
import live.tributary.mesh.program.ProgramVersion;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.PublicKey;

/** What {@code /status} says: the node, its streams, its neighbours, and who holds the newest chunks. */
public final class NodeStatus {
    private static final int MAX_CHUNKS = 30;
    private static final int MAX_WINDOWS = 5;
    private static final double MILLIS = 1000;

    private final ProgramKind role;
    private final PublicKey id;
    private final Meters meters;
    private final Supplier<? extends Collection<? extends StreamView>> streams;
    private final InstantSource clock;
    private final Instant started;
    private final ConcurrentHashMap<String, Supplier<String>> notes = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Supplier<Optional<String>>> alarms = new ConcurrentHashMap<>();

    /** @param streams those carried now, asked for at each request */
    public NodeStatus(
            ProgramKind role,
            PublicKey id,
            Meters meters,
            Supplier<? extends Collection<? extends StreamView>> streams,
            InstantSource clock) {
        this.role = role;
        this.id = id;
        this.meters = meters;
        this.streams = streams;
        this.clock = clock;
        this.started = clock.instant();
        meters.gauge(() -> 1, Meter.BUILD_INFO, ProgramVersion.current(), role);
        meters.gauge(() -> links().size(), Meter.LINKS);
        meters.gauge(this::behindLive, Meter.BEHIND_LIVE);
    }

    /** Adds a line of the program's own, such as how it can be reached. */
    public void note(String name, Supplier<String> text) {
        notes.put(name, text);
    }

    /** Adds something that may be wrong: told in red while {@code text} has words for it. */
    public void alarm(String name, Supplier<Optional<String>> text) {
        alarms.put(name, text);
    }

    ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("role", role.text());
        json.put("id", id.text());
        json.put("version", ProgramVersion.current());
        json.put("uptimeSeconds", Duration.between(started, clock.instant()).toSeconds());
        json.put("links", links().size());
        bytes(json.putObject("sentBytes"), Meter.SENT);
        bytes(json.putObject("receivedBytes"), Meter.RECEIVED);
        ObjectNode noted = json.putObject("notes");
        notes.forEach((name, text) -> noted.put(name, text.get()));
        ObjectNode wrong = json.putObject("alarms");
        alarms.forEach((name, text) -> text.get().ifPresent(words -> wrong.put(name, words)));
        ArrayNode list = json.putArray("streams");
        for (StreamView stream : streams.get()) {
            stream(list.addObject(), stream);
        }
        return json;
    }

    private Set<PublicKey> links() {
        Set<PublicKey> linked = new LinkedHashSet<>();
        for (StreamView stream : streams.get()) {
            for (RelayView relay : stream.relays()) {
                if (relay.linked()) {
                    linked.add(relay.key());
                }
            }
        }
        return linked;
    }

    private void bytes(ObjectNode json, Meter meter) {
        for (PeerKind peer : PeerKind.values()) {
            json.put(peer.name().toLowerCase(Locale.ROOT), meters.sum(meter, peer));
        }
    }

    private void stream(ObjectNode json, StreamView stream) {
        json.put("key", stream.key().text());
        json.put("live", stream.live());
        stream.about().ifPresent(about -> json.put("name", about.body().name()));
        stream.head().ifPresent(head -> json.put("term", head.head().term()));
        stream.keyEnd().ifPresent(end -> json.put("keyEnd", end.toString()));
        ArrayNode forks = json.putArray("forks");
        for (ChunkRecord loser : stream.forks()) {
            ObjectNode fork = forks.addObject();
            fork.put("rendition", loser.rendition());
            fork.put("seq", loser.seq());
            fork.put("term", loser.term());
            fork.put("record", loser.hash().hex());
        }
        ArrayNode relays = json.putArray("relays");
        for (RelayView relay : stream.relays()) {
            relay(relays.addObject(), relay);
        }
        ArrayNode renditions = json.putArray("renditions");
        List<Integer> numbers = new ArrayList<>(stream.renditions());
        numbers.sort(null);
        for (int number : numbers) {
            rendition(renditions.addObject(), stream, number);
        }
    }

    private static void relay(ObjectNode json, RelayView relay) {
        json.put("key", relay.key().text());
        json.put("role", relay.role().name().toLowerCase(Locale.ROOT));
        json.put("linked", relay.linked());
        ArrayNode endpoints = json.putArray("endpoints");
        for (Endpoint endpoint : relay.endpoints()) {
            endpoints.add(endpoint.text());
        }
    }

    private void rendition(ObjectNode json, StreamView stream, int number) {
        json.put("number", number);
        List<ChunkRecord> newest = stream.newest(number, MAX_CHUNKS);
        behindLive(stream, number).ifPresent(seconds -> json.put("behindLiveSeconds", seconds));
        ArrayNode chunks = json.putArray("chunks");
        for (ChunkRecord record : newest) {
            ObjectNode chunk = chunks.addObject();
            chunk.put("seq", record.seq());
            chunk.put("publishedMillis", record.body().published().toEpochMilli());
            chunk.put("startMillis", record.body().start().toMillis());
            chunk.put("durationMillis", record.body().duration().toMillis());
            chunk.put("bytes", record.length());
            chunk.put("held", stream.holds(record));
            chunk.put("bucket", stream.storedInBucket(record.chunk()));
            ArrayNode holders = chunk.putArray("holders");
            for (RelayView holder : stream.holders(record)) {
                holders.add(holder.key().text());
            }
        }
        ArrayNode windows = json.putArray("windows");
        stream.windows(number).stream().limit(MAX_WINDOWS).forEach(window -> {
            ObjectNode shown = windows.addObject();
            shown.put("name", window.torrent().name());
            shown.put("infoHash", window.torrent().infoHash().hex());
        });
    }

    /** The age of the newest chunk that is held whole, seconds; of the stream that is furthest behind. A gateway's relays hold for it. */
    private double behindLive() {
        return streams.get().stream()
                .flatMapToDouble(stream ->
                        stream.renditions().stream().flatMapToDouble(number -> behindLive(stream, number).stream()))
                .max()
                .orElse(Double.NaN);
    }

    private OptionalDouble behindLive(StreamView stream, int rendition) {
        return stream.newest(rendition, MAX_CHUNKS).stream()
                .filter(record ->
                        role == ProgramKind.GATEWAY ? !stream.holderKeys(record).isEmpty() : stream.holds(record))
                .mapToLong(record -> record.body().published().toEpochMilli())
                .mapToDouble(published -> Math.max(0, clock.millis() - published) / MILLIS)
                .min();
    }
}
