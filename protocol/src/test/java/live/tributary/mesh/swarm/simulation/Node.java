package live.tributary.mesh.swarm.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import live.tributary.mesh.net.LinePackets;
import live.tributary.mesh.swarm.LinkId;
import live.tributary.mesh.swarm.LinkPeer;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.mesh.swarm.RecordResult;
import live.tributary.mesh.swarm.SwarmActions;
import live.tributary.mesh.swarm.SwarmConfig;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkId;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** A simulated host: a swarm core, a line with two directions, and what it does of its own if it is hostile. */
final class Node implements SwarmActions {
    private static final Duration HISTORY = Duration.ofMinutes(2);
    private static final Duration CATCH_UP = Duration.ofSeconds(20);
    private static final long RECORD_CHECK = 1_500_000;
    private static final long PIECE_CHECK = 500_000;
    private static final long CHUNK_CHECK = 5_000_000;
    /** Bits a second. */
    private static final long BOAST = 1_000_000_000;

    /** What a hostile relay does. */
    enum Conduct {
        HONEST,
        /** Sends bytes that are not the piece's. */
        GARBAGE,
        /** Says that it has every piece and sends none. */
        LIAR,
        /** Takes everything and gives nothing. */
        HOARDER,
        /** Never reads from its sockets again once it is linked. */
        STALLED,
        /** Sends records without end: forged ones, and old ones again. */
        FLOODER
    }

    final int id;
    final NodeRole role;
    final RelayKey key;
    final double x;
    final double y;
    final boolean inbound;
    final Conduct conduct;
    final LiveSwarm swarm;
    final Map<LinkId, Pipe> pipes = new LinkedHashMap<>();
    final Set<Node> banned = new HashSet<>();
    final Map<ChunkRecord, Long> completed = new HashMap<>();
    final Map<RecordResult, Integer> records = new HashMap<>();
    final long presentSince;
    boolean gone;
    long goneAt = Long.MAX_VALUE;
    int dialled;

    long sentBytes;
    long receivedBytes;
    long usefulBytes;
    long wastedBytes;
    int badChunks;

    private final Simulation simulation;
    private final long uplink;
    private final double uplinkBytesPerNano;
    private final double downlinkBytesPerNano;
    /** Blocks that are not what their record says, a bit mask by piece. */
    private final Map<Long, Integer> garbage = new HashMap<>();

    private final List<Pipe> turns = new ArrayList<>();
    private int turn;
    private boolean transmitting;
    private long uplinkDebt;
    private long downlinkFreeAt;
    private long tickAt = Long.MAX_VALUE;

    Node(
            Simulation simulation,
            int id,
            NodeRole role,
            long uplink,
            long downlink,
            double x,
            double y,
            boolean inbound,
            Conduct conduct) {
        this.simulation = simulation;
        this.id = id;
        this.role = role;
        this.x = x;
        this.y = y;
        this.inbound = inbound;
        this.conduct = conduct;
        this.uplink = uplink;
        this.uplinkBytesPerNano = uplink / 8e9;
        this.downlinkBytesPerNano = downlink / 8e9;
        this.presentSince = simulation.agenda.now();
        byte[] raw = new byte[RelayKey.LENGTH];
        simulation.random.nextBytes(raw);
        this.key = RelayKey.of(raw);
        RandomGenerator own = new SplittableRandom(simulation.random.nextLong());
        SwarmConfig config = new SwarmConfig(
                simulation.streamKey.streamKey(),
                key,
                role,
                uplink,
                HISTORY,
                CATCH_UP,
                simulation.scenario.spreading());
        this.swarm = new LiveSwarm(config, this, simulation, own);
    }

    long now() {
        return simulation.agenda.now();
    }

    boolean honest() {
        return conduct == Conduct.HONEST;
    }

    /** What its descriptor says; who is hostile boasts. */
    private long claimedUplink() {
        return honest() ? uplink : BOAST;
    }

    boolean readsNothing() {
        return conduct == Conduct.STALLED && now() - presentSince > 3_000_000_000L;
    }

    // Links

    void linkUp(Pipe out, Node peer, boolean weDialled) {
        pipes.put(out.link, out);
        turns.add(out);
        if (weDialled) {
            dialled++;
        }
        swarm.linkUp(out.link, new LinkPeer(peer.key, peer.role, weDialled, Duration.ofNanos(2 * out.delay)), now());
        later(out.delay, () -> swarm.described(out.link, Set.of(), peer.claimedUplink()));
        afterwards();
    }

    void linkDown(LinkId link, boolean weDialled) {
        Pipe pipe = pipes.remove(link);
        if (pipe == null || gone) {
            return;
        }
        turns.remove(pipe);
        if (weDialled) {
            dialled--;
        }
        swarm.linkDown(link, now());
        afterwards();
    }

    void receive(Pipe in, Parcel parcel) {
        if (!simulation.scenario.isRough()) {
            occupyUplink(LinePackets.ofAcknowledging(parcel.bytes()));
        }
        LinkId link = in.link;
        if (!pipes.containsKey(link)) {
            return;
        }
        long now = now();
        if (parcel instanceof Parcel.Live live) {
            swarm.received(link, live.message(), now);
        } else if (parcel instanceof Parcel.Wire wire) {
            if (conduct == Conduct.LIAR && wire.message() instanceof PeerMessage.Request) {
                return;
            }
            swarm.received(link, wire.message(), now);
        } else if (parcel instanceof Parcel.Bytes bytes) {
            PeerMessage.Block block = bytes.block();
            LiveSwarm.BlockVerdict verdict = swarm.blockArrived(link, block, now);
            if (verdict == LiveSwarm.BlockVerdict.STORE) {
                int bit = 1 << block.begin() / PeerMessage.BLOCK_LENGTH;
                if (bytes.garbage()) {
                    garbage.merge(block.piece(), bit, (a, b) -> a | b);
                } else {
                    usefulBytes += block.length();
                    if (!garbage.isEmpty()) {
                        garbage.computeIfPresent(
                                block.piece(), (piece, mask) -> (mask & ~bit) == 0 ? null : mask & ~bit);
                    }
                }
                swarm.blockStored(link, block, now);
            } else {
                wastedBytes += block.length();
                simulation.trace.wasted(in, block, verdict);
            }
        }
        afterwards();
    }

    /** Plans the next tick, if it is earlier than the one that is planned. */
    void afterwards() {
        long next = Math.max(swarm.nextTick(), now());
        if (next < tickAt) {
            tickAt = next;
            simulation.agenda.at(next, () -> tick(next));
        }
    }

    private void tick(long planned) {
        if (gone || planned != tickAt) {
            return;
        }
        tickAt = Long.MAX_VALUE;
        if (swarm.nextTick() <= now()) {
            swarm.tick(now());
        }
        afterwards();
    }

    // The line

    void occupyUplink(int bytes) {
        uplinkDebt += (long) (bytes / uplinkBytesPerNano);
    }

    /** When the last byte of what has just arrived is through; a downlink that is faster than the sender costs nothing. */
    long throughDownlink(int bytes) {
        downlinkFreeAt = Math.max(now(), downlinkFreeAt + (long) (bytes / downlinkBytesPerNano));
        return downlinkFreeAt;
    }

    private void enqueue(LinkId link, Parcel parcel) {
        Pipe pipe = pipes.get(link);
        if (pipe == null || gone) {
            if (parcel instanceof Parcel.Bytes) {
                simulation.agenda.in(0, () -> {});
            }
            return;
        }
        if (parcel instanceof Parcel.Bytes || !pipe.waiting.isEmpty()) {
            pipe.waiting.add(parcel);
            transmit();
        } else {
            occupyUplink(onLine(parcel));
            pipe.depart(simulation, parcel);
        }
    }

    private void transmit() {
        if (transmitting || gone) {
            return;
        }
        for (int i = 0; i < turns.size(); i++) {
            Pipe pipe = turns.get((turn + i) % turns.size());
            if (!pipe.waiting.isEmpty() && !pipe.stuck()) {
                turn = (turn + i + 1) % turns.size();
                Parcel parcel = pipe.waiting.peek();
                transmitting = true;
                long time = (long) (onLine(parcel) / uplinkBytesPerNano) + uplinkDebt;
                uplinkDebt = 0;
                simulation.agenda.in(time, () -> {
                    transmitting = false;
                    pipe.waiting.remove();
                    pipe.depart(simulation, parcel);
                    if (parcel instanceof Parcel.Bytes bytes) {
                        pipe.queuedBlockBytes -= bytes.block().length();
                        bytes.left().accept(bytes.block());
                    }
                    transmit();
                    if (!gone) {
                        afterwards();
                    }
                });
                return;
            }
        }
    }

    /** Blocks fill packets; a message has its own. */
    private int onLine(Parcel parcel) {
        boolean full = parcel instanceof Parcel.Bytes || simulation.scenario.isRough();
        return full ? parcel.bytes() : LinePackets.ofMessage(parcel.bytes());
    }

    // What the core asks for

    @Override
    public void send(LinkId link, PeerMessage message) {
        if (conduct == Conduct.HOARDER && message instanceof PeerMessage.Have) {
            return;
        }
        enqueue(link, Parcel.Wire.of(message));
    }

    @Override
    public void send(LinkId link, LiveMessage message) {
        enqueue(link, Parcel.Live.of(message));
    }

    @Override
    public void sendBlock(LinkId link, PeerMessage.Block block) {
        Pipe pipe = pipes.get(link);
        if (pipe == null || conduct == Conduct.HOARDER || conduct == Conduct.LIAR) {
            simulation.agenda.in(0, () -> sent(link, block));
            return;
        }
        pipe.queuedBlockBytes += block.length();
        enqueue(link, new Parcel.Bytes(block, conduct == Conduct.GARBAGE || isGarbage(block), b -> sent(link, b)));
    }

    private boolean isGarbage(PeerMessage.Block block) {
        return (garbage.getOrDefault(block.piece(), 0) & 1 << block.begin() / PeerMessage.BLOCK_LENGTH) != 0;
    }

    private void sent(LinkId link, PeerMessage.Block block) {
        if (!gone) {
            swarm.blockSent(link, block, now());
        }
    }

    @Override
    public long queuedBytes(LinkId link) {
        Pipe pipe = pipes.get(link);
        return pipe == null ? 0 : pipe.queuedBlockBytes;
    }

    @Override
    public void drop(LinkId link, DropReason reason) {
        Pipe pipe = pipes.get(link);
        simulation.trace.happened(this, "drops " + (pipe == null ? "a link that is gone" : pipe.to) + " " + reason);
        simulation.dropped(this, link, reason);
    }

    @Override
    public void checkRecord(ChunkRecord record) {
        later(RECORD_CHECK, () -> swarm.recordChecked(record, simulation.isGenuine(record), now()));
    }

    @Override
    public void checkHead(SignedHead head) {
        later(RECORD_CHECK, () -> swarm.headChecked(head, true, now()));
    }

    @Override
    public void checkAbout(About about) {
        later(RECORD_CHECK, () -> swarm.aboutChecked(about, true, now()));
    }

    @Override
    public void checkStored(LiveMessage.Stored stored) {
        later(RECORD_CHECK, () -> swarm.storedChecked(stored, true, now()));
    }

    @Override
    public void open(ChunkRecord record) {}

    @Override
    public void checkPiece(ChunkRecord record, int piece) {
        boolean good = !garbage.containsKey(record.firstPiece() + piece);
        later(PIECE_CHECK, () -> swarm.pieceChecked(record, piece, good, now()));
    }

    @Override
    public void checkChunk(ChunkRecord record) {
        boolean good = true;
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            good &= !garbage.containsKey(piece);
        }
        boolean whole = good;
        later(CHUNK_CHECK, () -> swarm.chunkChecked(record, whole, now()));
    }

    private void later(long delay, Runnable action) {
        simulation.agenda.in(delay, () -> {
            if (!gone) {
                action.run();
                afterwards();
            }
        });
    }

    @Override
    public void discard(ChunkRecord record) {}

    @Override
    public void accepted(ChunkRecord record) {
        if (conduct == Conduct.LIAR) {
            for (LinkId link : List.copyOf(pipes.keySet())) {
                for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
                    enqueue(link, Parcel.Wire.of(new PeerMessage.Have(piece)));
                }
            }
        }
    }

    @Override
    public void completed(ChunkRecord record) {
        completed.put(record, now());
        simulation.trace.happened(this, "completes " + record.chunk());
        for (long piece = record.firstPiece(); piece < record.endPiece(); piece++) {
            if (garbage.containsKey(piece)) {
                badChunks++;
            }
        }
    }

    @Override
    public void headChanged(SignedHead head) {}

    @Override
    public void aboutChanged(About about) {}

    @Override
    public void checkKeyEnd(KeyEnd end) {
        later(RECORD_CHECK, () -> swarm.keyEndChecked(end, true, now()));
    }

    @Override
    public void forked(ChunkRecord loser) {}

    @Override
    public void keyEnded(KeyEnd end) {}

    @Override
    public void storedInBucket(ChunkId chunk) {}

    @Override
    public void count(RecordResult result) {
        records.merge(result, 1, Integer::sum);
    }

    @Override
    public String toString() {
        return role == NodeRole.ORIGIN
                ? "origin"
                : (honest() ? "relay" : conduct.name().toLowerCase(java.util.Locale.ROOT)) + id;
    }
}
