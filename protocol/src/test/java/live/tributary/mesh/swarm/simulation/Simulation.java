package live.tributary.mesh.swarm.simulation;

import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.NeighbourChoice;
import live.tributary.mesh.swarm.SwarmActions;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.PieceHashes;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;

/**
 * One run of a scenario. Two runs of the same scenario are equal to the byte: there is one random source, one clock and one
 * thread.
 */
public final class Simulation implements InstantSource {
    private static final Instant START = Instant.parse("2026-11-22T12:00:00Z");
    private static final long SECOND = 1_000_000_000L;
    private static final long MIN_DELAY = 4_000_000;
    private static final long MAX_DELAY = 100_000_000;
    private static final double WITHOUT_INBOUND = 0.4;
    private static final long UNLIMITED = 1_000_000_000;
    private static final int NEIGHBOURS = 12;
    private static final int MAX_NEIGHBOURS = 20;
    private static final int CANDIDATES = 40;
    private static final long FIRST_CHUNK = 8 * SECOND;
    /** After this a chunk is of no use to a live viewer. */
    static final Duration MISSED_AFTER = Duration.ofSeconds(12);
    /** How long a node that was dropped without an offence is not dialled again. */
    private static final long UNWANTED_FOR = 60 * SECOND;
    /** How soon the silent end of a link is noticed. */
    private static final long SILENCE = 10 * SECOND;

    final Scenario scenario;
    final SplittableRandom random;
    final Agenda agenda = new Agenda();
    final Ledger ledger = new Ledger();
    final Trace trace;
    final SigningKey streamKey;

    private final List<Node> everybody = new ArrayList<>();
    private final List<Node> relays = new ArrayList<>();
    private final Set<Sha256> genuine = new HashSet<>();
    private final List<ChunkRecord> published = new ArrayList<>();
    private final Map<ChunkRecord, Long> publishedAt = new HashMap<>();
    private final Map<LinkId, Link> links = new HashMap<>();
    private final List<Long> relayUplinks = new ArrayList<>();
    private final Node origin;
    private long nextLink;
    private int nextNode;
    private long nextPiece;

    private record Link(Pipe there, Pipe back) {}

    private final Optional<Place> place;

    public Simulation(Scenario scenario, Trace trace) {
        this(scenario, Optional.empty(), trace);
    }

    /** @param place who is where; chosen at random unless given */
    Simulation(Scenario scenario, Optional<Place> place, Trace trace) {
        this.place = place;
        this.scenario = scenario;
        this.trace = trace;
        trace.clock(agenda);
        this.random = new SplittableRandom(scenario.seed());
        byte[] seed = new byte[SigningKey.SEED_LENGTH];
        random.nextBytes(seed);
        this.streamKey = SigningKey.fromSeed(seed);
        this.origin = new Node(
                this,
                nextNode++,
                NodeRole.ORIGIN,
                scenario.originUplink(),
                scenario.originUplink() * 8,
                0.5,
                0.5,
                true,
                Node.Conduct.HONEST);
        everybody.add(origin);
    }

    @Override
    public Instant instant() {
        return START.plusNanos(agenda.now());
    }

    boolean isGenuine(ChunkRecord record) {
        return genuine.contains(record.hash());
    }

    /** Runs it to its end, and says what came of it. */
    public Outcome run() {
        agenda.at(0, this::publishHead);
        for (int i = 0; i < scenario.relays(); i++) {
            agenda.at(i * 4 * SECOND / scenario.relays(), this::join);
        }
        agenda.at(5 * SECOND, this::linkOrigin);
        long period = scenario.chunk().toNanos();
        for (int i = 0; i < scenario.chunks(); i++) {
            agenda.at(FIRST_CHUNK + i * period, this::publish);
        }
        long measuredFrom = FIRST_CHUNK + scenario.measuredFrom() * period;
        Outcome.Start start = new Outcome.Start();
        agenda.at(measuredFrom, () -> start.take(origin, everybody));
        if (scenario.churnPerMinute() > 0) {
            long every = (long) (60 * SECOND / (scenario.churnPerMinute() * scenario.relays()));
            for (long at = FIRST_CHUNK; at < FIRST_CHUNK + scenario.chunks() * period; at += every) {
                agenda.at(at, this::replaceOne);
            }
        }
        if (scenario.killed() > 0) {
            agenda.at(measuredFrom + 2 * period + SECOND, () -> {
                for (int i = (int) (relays.size() * scenario.killed()); i > 0; i--) {
                    leave(relays.get(random.nextInt(relays.size())), false);
                }
            });
        }
        Outcome.End end = new Outcome.End();
        agenda.runUntil(FIRST_CHUNK + scenario.chunks() * period);
        end.take(origin, everybody);
        agenda.runUntil(agenda.now() + MISSED_AFTER.toNanos());
        ledger.check();
        return Outcome.of(
                scenario,
                start,
                end,
                everybody,
                published.subList(scenario.measuredFrom(), published.size()),
                publishedAt,
                medianUplink(),
                medianRtt(),
                agenda.happened());
    }

    // Nodes that come and go

    private void join() {
        Node.Conduct conduct = Node.Conduct.HONEST;
        if (hostileTurn()) {
            conduct = Node.Conduct.values()[1 + random.nextInt(Node.Conduct.values().length - 1)];
        }
        // From 2 to 16 times the bitrate, as the issue has it; lines are wider downwards.
        long uplink = (long) (scenario.bitrate() * (2 + 14 * random.nextDouble()));
        long downlink = Math.max(10 * scenario.bitrate(), 2 * uplink);
        double x = random.nextDouble();
        double y = random.nextDouble();
        boolean inbound = random.nextDouble() >= WITHOUT_INBOUND;
        if (scenario.isRough()) {
            downlink = UNLIMITED;
            inbound = true;
        }
        if (place.isPresent() && nextNode < place.get().hosts().size()) {
            Place.Host host = place.get().hosts().get(nextNode);
            uplink = host.up();
            downlink = host.down();
            inbound = host.inbound();
        }
        Node node = new Node(this, nextNode++, NodeRole.RELAY, uplink, downlink, x, y, inbound, conduct);
        relayUplinks.add(uplink);
        everybody.add(node);
        relays.add(node);
        trace.happened(
                node,
                "joins with " + uplink / 1000 + " kbit/s at " + Math.round(1000 * x) + " " + Math.round(1000 * y)
                        + (inbound ? "" : ", without inbound"));
        connect(node);
        if (conduct == Node.Conduct.FLOODER) {
            agenda.in(SECOND, () -> flood(node));
        }
        agenda.in(2 * SECOND, () -> keepConnected(node));
    }

    /** Hostile ones come in turn, so that their share holds for small numbers too. */
    private boolean hostileTurn() {
        return (long) (nextNode * scenario.hostile()) > (long) ((nextNode - 1) * scenario.hostile());
    }

    private void keepConnected(Node node) {
        if (!node.gone) {
            connect(node);
            agenda.in(2 * SECOND, () -> keepConnected(node));
        }
    }

    private void connect(Node node) {
        int wanted = node.inbound ? NEIGHBOURS / 3 : NEIGHBOURS * 3 / 4;
        if (scenario.isRough()) {
            wanted = NEIGHBOURS / 2;
        }
        if (scenario.relays() <= NEIGHBOURS) {
            wanted = scenario.relays();
        }
        boolean hasOrigin = node.pipes.values().stream().anyMatch(pipe -> pipe.to == origin);
        if (!hasOrigin && !scenario.isRough() && origin.pipes.size() < NEIGHBOURS && mayDial(node, origin)) {
            link(node, origin);
        }
        if (node.dialled >= wanted && node.pipes.size() >= NEIGHBOURS / 2) {
            return;
        }
        List<Node> candidates = new ArrayList<>();
        for (int i = 0; i < CANDIDATES && !relays.isEmpty(); i++) {
            Node other = relays.get(random.nextInt(relays.size()));
            if (mayDial(node, other) && !candidates.contains(other)) {
                candidates.add(other);
            }
        }
        int few = NEIGHBOURS / 2;
        for (Node other : NeighbourChoice.inOrder(candidates, candidate -> delay(node, candidate), random)) {
            if (node.dialled < wanted || node.pipes.size() < few) {
                link(node, other);
            }
        }
    }

    /** Fills the origin's links; in the rough model they are with any relays, not with those that came first and know each other. */
    private void linkOrigin() {
        for (Node relay : scenario.isRough() ? NeighbourChoice.inOrder(relays, any -> 0, random) : relays) {
            if (origin.pipes.size() < NEIGHBOURS
                    && relay.pipes.values().stream().noneMatch(pipe -> pipe.to == origin)
                    && mayDial(relay, origin)) {
                link(relay, origin);
            }
        }
    }

    private boolean mayDial(Node node, Node other) {
        return node != other
                && !other.gone
                && other.inbound
                && other.pipes.size() < MAX_NEIGHBOURS
                && !node.banned.contains(other)
                && !other.banned.contains(node)
                && node.pipes.values().stream().noneMatch(pipe -> pipe.to == other);
    }

    private void replaceOne() {
        if (relays.size() > 1) {
            leave(relays.get(random.nextInt(relays.size())), random.nextBoolean());
        }
        join();
    }

    /** A relay leaves; politely, so that its sockets are closed, or as if its line had been cut. */
    private void leave(Node node, boolean politely) {
        trace.happened(node, politely ? "leaves" : "vanishes");
        relays.remove(node);
        node.gone = true;
        node.goneAt = agenda.now();
        for (LinkId id : List.copyOf(node.pipes.keySet())) {
            Link link = links.get(id);
            Node other = link.there().from == node ? link.there().to : link.there().from;
            agenda.in(politely ? link.there().delay : SILENCE, () -> close(id, other));
        }
    }

    // Links

    private long delay(Node a, Node b) {
        if (place.isPresent() && Math.max(a.id, b.id) < place.get().hosts().size()) {
            return place.get().delayNanos(a.id, b.id);
        }
        double distance = Math.hypot(a.x - b.x, a.y - b.y) / Math.sqrt(2);
        return MIN_DELAY + (long) ((MAX_DELAY - MIN_DELAY) * distance);
    }

    private void link(Node from, Node to) {
        LinkId id = new LinkId(nextLink++);
        long delay = delay(from, to);
        Link link = new Link(new Pipe(id, from, to, delay), new Pipe(id, to, from, delay));
        links.put(id, link);
        from.linkUp(link.there(), to, true);
        to.linkUp(link.back(), from, false);
    }

    void dropped(Node by, LinkId id, SwarmActions.DropReason reason) {
        Link link = links.get(id);
        if (link == null) {
            return;
        }
        Node other = link.there().from == by ? link.there().to : link.there().from;
        by.banned.add(other);
        if (!reason.isOffence()) {
            agenda.in(UNWANTED_FOR, () -> by.banned.remove(other));
        }
        agenda.in(0, () -> {
            link.there().cut = true;
            link.back().cut = true;
            close(id, by);
        });
        agenda.in(link.there().delay, () -> close(id, other));
    }

    private void close(LinkId id, Node end) {
        Link link = links.get(id);
        link.there().cut = true;
        link.back().cut = true;
        end.linkDown(id, link.there().from == end);
    }

    // The stream

    private void publishHead() {
        Head head = new Head(
                1,
                instant().plus(Head.MAX_LIFETIME),
                Head.Status.LIVE,
                START.toEpochMilli(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                Sha256.ofContent(new byte[0]));
        origin.swarm.learnt(SignedHead.sign(head, streamKey), agenda.now());
        origin.afterwards();
    }

    private void publish() {
        int length = scenario.chunkBytes();
        byte[] hashes = new byte[ChunkRecord.pieceCount(length) * PieceHashes.HASH_LENGTH];
        random.nextBytes(hashes);
        int number = published.size();
        ChunkRecord record = ChunkRecord.sign(
                new ChunkRecord.Body(
                        streamKey.streamKey(),
                        START.toEpochMilli(),
                        new ChunkId(0, number),
                        published.isEmpty()
                                ? Optional.empty()
                                : Optional.of(published.get(number - 1).hash()),
                        instant(),
                        scenario.chunk().multipliedBy(number),
                        scenario.chunk(),
                        0,
                        Container.TS,
                        0,
                        length,
                        Sha256.ofContent(hashes),
                        nextPiece,
                        new PieceHashes(hashes),
                        InfoHash.of(Digests.sha1().digest(hashes))),
                streamKey);
        nextPiece = record.endPiece();
        published.add(record);
        publishedAt.put(record, agenda.now());
        genuine.add(record.hash());
        trace.happened(origin, "publishes " + record.chunk());
        origin.swarm.publish(record, agenda.now());
        origin.afterwards();
    }

    private void flood(Node node) {
        if (node.gone) {
            return;
        }
        if (!published.isEmpty()) {
            ChunkRecord newest = published.get(published.size() - 1);
            for (LinkId link : List.copyOf(node.pipes.keySet())) {
                node.send(link, new LiveMessage.RecordNews(random.nextInt(4) == 0 ? forged(newest) : newest));
            }
        }
        agenda.in(SECOND / 20, () -> flood(node));
    }

    /** The same record with another signature. */
    private ChunkRecord forged(ChunkRecord record) {
        byte[] encoded = record.encoded();
        encoded[indexOf(encoded, record.body().sha256().bytes())] ^= (byte) (1 + random.nextInt(255));
        try {
            return ChunkRecord.decode(encoded);
        } catch (FormatException e) {
            throw new IllegalStateException("a changed hash is still a hash", e);
        }
    }

    private static int indexOf(byte[] in, byte[] part) {
        for (int i = 0; i + part.length <= in.length; i++) {
            if (MessageDigest.isEqual(java.util.Arrays.copyOfRange(in, i, i + part.length), part)) {
                return i;
            }
        }
        throw new IllegalStateException("not in it");
    }

    // Measures of the mesh itself

    private long medianUplink() {
        return relayUplinks.stream()
                .sorted()
                .skip(relayUplinks.size() / 2)
                .findFirst()
                .orElse(1L);
    }

    private Duration medianRtt() {
        List<Long> delays = new ArrayList<>();
        for (Node relay : relays) {
            for (Pipe pipe : relay.pipes.values()) {
                delays.add(2 * pipe.delay);
            }
        }
        return Duration.ofNanos(
                delays.stream().sorted().skip(delays.size() / 2).findFirst().orElse(0L));
    }
}
