package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import live.tributary.mesh.FakeStream;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.mesh.admin.Via;
import live.tributary.mesh.net.UploadBudget;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.tracker.PeerId;
import live.tributary.protocol.wire.ExtendedHandshake;
import live.tributary.protocol.wire.Handshake;
import live.tributary.protocol.wire.HandshakeDecoder;
import live.tributary.protocol.wire.MetadataMessage;
import live.tributary.protocol.wire.PeerExchangeMessage;
import live.tributary.protocol.wire.PeerMessage;
import live.tributary.protocol.wire.PeerMessage.Block;
import live.tributary.protocol.wire.PeerMessageDecoder;
import live.tributary.protocol.wire.PeerMessageEncoder;
import org.junit.jupiter.api.Test;

/** What a client sees on the wire, message by message, with the clock in hand. */
class TorrentServerTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final int BLOCK = PeerMessage.BLOCK_LENGTH;
    private static final long PLENTY = 1_000_000_000_000L;

    private final SampleStream sample = new SampleStream(3, Instant.EPOCH);
    private final FakeStream stream = new FakeStream(sample.streamKey());
    private final Meters meters = new Meters();
    private final AtomicLong clock = new AtomicLong();
    private final List<Client> clients = new ArrayList<>();
    private CompletableFuture<Boolean> disk = CompletableFuture.completedFuture(true);
    private TorrentServer server = server(10, 4, PLENTY);

    @Test
    void sendsHandshakeAndHaveAllAndExtendedHandshakeAtOnce() throws Exception {
        Torrent torrent = stream.hold(sample.next(200_000));
        Client client = new Client(torrent, true, true);

        assertThat(client.handshake.infoHash()).isEqualTo(torrent.infoHash());
        assertThat(client.handshake.extensions()).isTrue();
        assertThat(client.handshake.fast()).isTrue();
        List<PeerMessage> messages = client.read();
        assertThat(messages.get(0)).isEqualTo(new PeerMessage.HaveAll());
        ExtendedHandshake ours = ExtendedHandshake.decode(((PeerMessage.Extended) messages.get(1)).payload());
        assertThat(ours.metadataSize()).hasValue(torrent.info().length);
        assertThat(ours.requestQueue()).hasValue(RequestQueue.TOLD);
        assertThat(ours.idOf(MetadataMessage.EXTENSION)).isPresent();
    }

    @Test
    void tellsAPlainClientByBitfield() {
        Torrent torrent = stream.hold(sample.next(65_536 * 9));

        List<PeerMessage> messages = new Client(torrent, false, false).read();

        assertThat(messages).hasSize(1);
        assertThat(((PeerMessage.Bitfield) messages.get(0)).bits()).containsExactly(0xff, 0x80);
    }

    @Test
    void tellsHonestlyWhatIsMissingAndWhatArrives() {
        SampleStream.Chunk first = sample.next(65_537);
        SampleStream.Chunk second = sample.next(65_537);
        stream.hold(first);
        Torrent chunk = stream.accept(second);
        Torrent window = stream.close(List.of(first, second));

        Client ofChunk = new Client(chunk, false, true);
        Client ofWindow = new Client(window, false, true);
        assertThat(ofChunk.read()).containsExactly(new PeerMessage.HaveNone());
        assertThat(((PeerMessage.Bitfield) ofWindow.read().get(0)).bits()).containsExactly(0b1100_1000);

        stream.complete(second);
        assertThat(ofChunk.read()).containsExactly(new PeerMessage.Have(0), new PeerMessage.Have(1));
        assertThat(ofWindow.read()).containsExactly(new PeerMessage.Have(2), new PeerMessage.Have(3));
    }

    @Test
    void saysWhatWasEvictedToThoseWhoUnderstandAndRejectsItToTheOthers() throws Exception { // BEP 54
        SampleStream.Chunk chunk = sample.next(1000);
        Torrent torrent = stream.hold(chunk);
        Client client = new Client(torrent, true, true);
        client.send(extendedHandshake(Map.of("lt_donthave", 7)));
        client.unchoked();

        stream.evict(chunk);
        PeerMessage.Extended gone = (PeerMessage.Extended) client.read().get(0);
        assertThat(gone.id()).isEqualTo(7);
        assertThat(gone.payload()).containsExactly(0, 0, 0, 0);

        client.send(new PeerMessage.Request(new Block(0, 0, 1000)));
        assertThat(client.read()).containsExactly(new PeerMessage.Reject(new Block(0, 0, 1000)));
    }

    @Test
    void closesOnAPlainClientThatAsksForWhatWasEvicted() {
        SampleStream.Chunk chunk = sample.next(1000);
        Client client = new Client(stream.hold(chunk), false, false);
        client.unchoked();
        stream.evict(chunk);

        client.send(new PeerMessage.Request(new Block(0, 0, 1000)));

        assertThat(client.isOpen()).isFalse();
    }

    @Test
    void servesTheInfoDictionaryPageByPage() throws Exception { // BEP 9
        Torrent torrent = stream.hold(sample.next(65_536 * 16)); // One piece hash is 20 bytes: too short for two pages.
        List<SampleStream.Chunk> many = new ArrayList<>();
        for (int i = 0; i < 70; i++) {
            many.add(sample.next(65_536 * 14));
        }
        many.forEach(stream::accept);
        Torrent window = stream.close(many);
        assertThat(window.info().length).isGreaterThan(MetadataMessage.PAGE_LENGTH);

        for (Torrent each : List.of(torrent, window)) {
            Client client = new Client(each, true, true);
            client.read();
            client.send(extendedHandshake(Map.of(MetadataMessage.EXTENSION, 3)));
            ByteArrayOutputStream info = new ByteArrayOutputStream();
            for (int page = 0; info.size() < each.info().length; page++) {
                client.send(new PeerMessage.Extended(1, new MetadataMessage.Request(page).encode()));
                PeerMessage.Extended answer =
                        (PeerMessage.Extended) client.read().get(0);
                assertThat(answer.id()).isEqualTo(3);
                MetadataMessage.Data data = (MetadataMessage.Data) MetadataMessage.decode(answer.payload());
                assertThat(data.totalSize()).isEqualTo(each.info().length);
                info.writeBytes(data.bytes());
            }
            assertThat(InfoHash.ofInfo(info.toByteArray())).isEqualTo(each.infoHash());
            client.send(new PeerMessage.Extended(1, new MetadataMessage.Request(99).encode()));
            assertThat(MetadataMessage.decode(
                            ((PeerMessage.Extended) client.read().get(0)).payload()))
                    .isEqualTo(new MetadataMessage.Reject(99));
        }
    }

    @Test
    void servesEveryPieceOfAWindowByteForByte() {
        List<SampleStream.Chunk> chunks = new ArrayList<>();
        for (int length : new int[] {100_000, 65_536, 1, 131_073}) {
            chunks.add(sample.next(length));
        }
        chunks.forEach(stream::hold);
        Torrent window = stream.close(chunks);
        Client client = new Client(window, false, true);
        client.unchoked();

        byte[] hashes = piecesOf(window);
        for (int piece = 0; piece < window.pieceCount(); piece++) {
            assertThat(Digests.sha1().digest(client.download(window, piece)))
                    .isEqualTo(Arrays.copyOfRange(hashes, 20 * piece, 20 * piece + 20));
        }
        assertThat(meters.tally(Meter.SENT, PeerKind.VIEWER, Via.WIRE).sum()).isEqualTo(window.length());
    }

    @Test
    void saysThatItWantsNothingAndLeavesWhoWantsNothingEither() throws Exception { // BEP 21
        Torrent torrent = stream.hold(sample.next(200_000));
        Client leeching = new Client(torrent, true, true);
        ExtendedHandshake ours =
                ExtendedHandshake.decode(((PeerMessage.Extended) leeching.read().get(1)).payload());
        assertThat(ours.uploadOnly()).isTrue();

        leeching.send(extendedHandshake(Map.of()));
        assertThat(leeching.isOpen()).isTrue();
        int id = ours.idOf("upload_only").getAsInt();
        leeching.send(new PeerMessage.Extended(id, new byte[] {0}));
        assertThat(leeching.isOpen()).isTrue();
        leeching.send(new PeerMessage.Extended(id, new byte[] {1}));
        assertThat(leeching.isOpen()).isFalse();

        Client done = new Client(torrent, true, true);
        done.send(extendedHandshake(Map.of(), OptionalInt.empty(), true));
        assertThat(done.isOpen()).isFalse();
    }

    @Test
    void tellsClientsOfOneAnotherAtMostOnceAMinute() throws Exception { // BEP 11
        Torrent torrent = stream.hold(sample.next(200_000));
        Client first = new Client(torrent, true, true);
        assertThat(ExtendedHandshake.decode(((PeerMessage.Extended) first.read().get(1)).payload())
                        .idOf(PeerExchangeMessage.EXTENSION))
                .isPresent();
        first.send(extendedHandshake(Map.of(PeerExchangeMessage.EXTENSION, 9), OptionalInt.of(5001), false));
        Client second = new Client(torrent, true, true);
        second.read();
        second.send(extendedHandshake(Map.of(PeerExchangeMessage.EXTENSION, 8), OptionalInt.of(5002), false));

        assertThat(second.read())
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(exchange(8, List.of(5001), List.of()));
        first.read();
        second.channel.close();
        Client third = new Client(torrent, true, true);
        third.send(extendedHandshake(Map.of(), OptionalInt.of(5003), false));
        pass(Duration.ofSeconds(6));
        assertThat(first.read())
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(exchange(9, List.of(5003), List.of()));
        third.channel.close();
        pass(Duration.ofSeconds(53));
        assertThat(first.read()).isEmpty();
        pass(Duration.ofSeconds(8));
        assertThat(first.read())
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(exchange(9, List.of(), List.of(5003)));
    }

    @Test
    void tellsNobodyOfAClientThatCannotBeReached() {
        Torrent torrent = stream.hold(sample.next(200_000));
        new Client(torrent, true, true).send(extendedHandshake(Map.of(), OptionalInt.empty(), false));
        new Client(torrent, true, true).send(extendedHandshake(Map.of(), OptionalInt.of(80), false));
        Client asks = new Client(torrent, true, true, PeerId.STREMIO);
        asks.send(extendedHandshake(Map.of(PeerExchangeMessage.EXTENSION, 9), OptionalInt.of(6881), false));
        Client another = new Client(torrent, true, true);
        another.send(extendedHandshake(Map.of(PeerExchangeMessage.EXTENSION, 9), OptionalInt.empty(), false));

        for (Client told : List.of(asks, another)) {
            assertThat(told.read()).noneMatch(message -> message instanceof PeerMessage.Extended it && it.id() == 9);
        }
    }

    @Test
    void showsAPieceToOneClientFirstWhileTheUplinkIsScarce() { // BEP 16
        server = server(10, 4, 8_000_000);
        Torrent torrent = stream.hold(sample.next(65_536 * 12));
        Client before = new Client(torrent, false, true);
        Client alone = new Client(torrent, false, true);
        assertThat(before.read()).containsExactly(new PeerMessage.HaveAll());
        useUp();
        Client first = new Client(torrent, false, true);
        Client second = new Client(torrent, false, true);
        assertThat(alone.read()).containsExactly(new PeerMessage.HaveAll());

        assertThat(first.read())
                .containsExactly(
                        new PeerMessage.HaveNone(),
                        new PeerMessage.Have(0),
                        new PeerMessage.Have(1),
                        new PeerMessage.Have(2),
                        new PeerMessage.Have(3));
        assertThat(second.read()).contains(new PeerMessage.Have(4)).doesNotContain(new PeerMessage.Have(0));
        before.send(new PeerMessage.Have(0));
        assertThat(first.read()).containsExactly(new PeerMessage.Have(8));
        assertThat(second.read()).isEmpty();
    }

    @Test
    void tellsAllThatIsHereOnceTheUplinkHasRoomAgain() {
        server = server(10, 4, 8_000_000);
        Torrent torrent = stream.hold(sample.next(65_536 * 12));
        new Client(torrent, false, true);
        new Client(torrent, false, true);
        useUp();
        Client client = new Client(torrent, false, true);
        client.read();

        pass(Duration.ofSeconds(10));

        assertThat(client.read())
                .containsExactlyElementsOf(
                        IntStream.range(4, 12).mapToObj(PeerMessage.Have::new).toList());
    }

    @Test
    void showsAStremioPlayerAllAtOnce() {
        server = server(10, 4, 8_000_000);
        Torrent torrent = stream.hold(sample.next(65_536 * 12));
        new Client(torrent, false, true);
        new Client(torrent, false, true);
        useUp();

        assertThat(new Client(torrent, false, true, PeerId.STREMIO).read()).containsExactly(new PeerMessage.HaveAll());
    }

    /** Two seconds at the full rate of a megabyte a second. */
    private void useUp() {
        server.budget().spend(2_500_000);
    }

    private static PeerMessage exchange(int id, List<Integer> added, List<Integer> dropped) {
        return new PeerMessage.Extended(id, new PeerExchangeMessage(endpoints(added), endpoints(dropped)).encode());
    }

    private static List<Endpoint> endpoints(List<Integer> ports) {
        return ports.stream().map(port -> new Endpoint(LOOPBACK, port)).toList();
    }

    @Test
    void waitsForTheDiskWithoutReadingWhatItHasNotReadYet() {
        Torrent torrent = stream.hold(sample.next(3 * BLOCK));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        disk = new CompletableFuture<>();

        client.send(new PeerMessage.Request(new Block(0, 0, BLOCK)));
        client.send(new PeerMessage.Request(new Block(0, BLOCK, BLOCK)));
        pass(Duration.ofSeconds(1));
        assertThat(client.read()).isEmpty();
        disk.complete(true);

        assertThat(client.read()).hasSize(2).allMatch(PeerMessage.Piece.class::isInstance);
    }

    @Test
    void asksADiskThatHasTooMuchToReadAgainLater() {
        Torrent torrent = stream.hold(sample.next(3 * BLOCK));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        disk = CompletableFuture.completedFuture(false);
        client.send(new PeerMessage.Request(new Block(0, 0, BLOCK)));
        assertThat(client.read()).isEmpty();

        disk = CompletableFuture.completedFuture(true);
        pass(Duration.ofMillis(150));
        assertThat(client.read()).isEmpty();
        pass(Duration.ofMillis(100));
        assertThat(client.read()).hasSize(1).allMatch(PeerMessage.Piece.class::isInstance);
    }

    @Test
    void unchokesAtOnceWhileThereAreSlotsAndThenInTurn() {
        server = server(10, 1, PLENTY);
        Torrent torrent = stream.hold(sample.next(1000));
        Client first = new Client(torrent, false, true);
        Client second = new Client(torrent, false, true);
        first.read();
        second.read();

        first.send(new PeerMessage.Interested());
        second.send(new PeerMessage.Interested());
        assertThat(first.read()).containsExactly(new PeerMessage.Unchoke());
        assertThat(second.read()).isEmpty();

        first.send(new PeerMessage.NotInterested());
        assertThat(first.read()).containsExactly(new PeerMessage.Choke());
        assertThat(second.read()).containsExactly(new PeerMessage.Unchoke());

        first.send(new PeerMessage.Interested());
        second.channel.close();
        assertThat(first.read()).containsExactly(new PeerMessage.Unchoke());
    }

    @Test
    void passesASlotOnWhenItsHolderAsksForNothing() {
        server = server(10, 1, PLENTY);
        Torrent torrent = stream.hold(sample.next(1000));
        Client lazy = new Client(torrent, false, true);
        lazy.unchoked();
        Client eager = new Client(torrent, false, true);
        eager.read();
        eager.send(new PeerMessage.Interested());

        pass(Duration.ofSeconds(16));

        assertThat(lazy.read()).containsExactly(new PeerMessage.Choke());
        assertThat(eager.read()).containsExactly(new PeerMessage.Unchoke());
    }

    @Test
    void whoComesNeedNotWaitForOneWhoTakesNothing() {
        server = server(10, 1, PLENTY);
        Torrent torrent = stream.hold(sample.next(1000));
        Client lazy = new Client(torrent, false, true);
        lazy.unchoked();
        Client early = new Client(torrent, false, true);
        early.read();
        early.send(new PeerMessage.Interested());
        assertThat(early.read()).isEmpty();
        pass(Duration.ofMillis(2050));
        assertThat(lazy.read()).isEmpty();

        Client eager = new Client(torrent, false, true);
        eager.read();
        eager.send(new PeerMessage.Interested());

        assertThat(lazy.read()).containsExactly(new PeerMessage.Choke());
        assertThat(early.read()).containsExactly(new PeerMessage.Unchoke()); // First come, first served.
        assertThat(eager.read()).isEmpty();
        early.channel.close();
        assertThat(eager.read()).containsExactly(new PeerMessage.Unchoke());
        eager.channel.close();
        assertThat(lazy.read()).containsExactly(new PeerMessage.Unchoke()); // It had kept its place in line.
    }

    @Test
    void asksTheUplinkForAWholeRunAndAnswersEachOfItsBlocks() {
        Torrent torrent = stream.hold(sample.next(65_536 * 2 + 20_000));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        List<Block> asked = List.of(
                new Block(0, 0, BLOCK),
                new Block(0, BLOCK, BLOCK),
                new Block(0, 2 * BLOCK, 100), // A cut of its own.
                new Block(0, 2 * BLOCK + 100, BLOCK), // Adjoins, but begins where no usual block does.
                new Block(2, 0, BLOCK),
                new Block(2, BLOCK, 20_000 - BLOCK),
                new Block(1, 0, BLOCK),
                new Block(1, 0, BLOCK)); // Each request has its answer.
        asked.forEach(block -> client.send(new PeerMessage.Request(block)));

        assertThat(client.read())
                .extracting(message -> {
                    PeerMessage.Piece piece = (PeerMessage.Piece) message;
                    Block block =
                            new Block(piece.piece(), piece.begin(), piece.data().readableBytes());
                    piece.data().release();
                    return block;
                })
                .isEqualTo(asked);
    }

    @Test
    void rejectsRequestsOfAChokedClient() {
        Torrent torrent = stream.hold(sample.next(1000));
        Client client = new Client(torrent, false, true);
        client.read();

        client.send(new PeerMessage.Request(new Block(0, 0, 1000)));

        assertThat(client.read()).containsExactly(new PeerMessage.Reject(new Block(0, 0, 1000)));
    }

    @Test
    void dropsAClientThatAsksBeyondTheTorrent() {
        Torrent torrent = stream.hold(sample.next(100_000));
        for (Block bad : List.of(
                new Block(2, 0, 1),
                new Block(0xffffffffL, 0, 1),
                new Block(1, 100_000 - 65_536, 1),
                new Block(1, 0, 100_000 - 65_536 + 1),
                new Block(0, 0, 0),
                new Block(0, 0, BLOCK + 1),
                new Block(0, Integer.MAX_VALUE, 1),
                new Block(0, 65_536 - BLOCK + 1, BLOCK))) {
            Client client = new Client(torrent, false, true);
            client.unchoked();
            client.send(new PeerMessage.Request(bad));
            assertThat(client.isOpen()).as(bad.toString()).isFalse();
        }
        Client client = new Client(torrent, false, true);
        client.unchoked();
        client.send(new PeerMessage.Request(new Block(1, 0, BLOCK)));
        assertThat(client.isOpen()).isTrue();
    }

    @Test
    void sendsWhatTheUplinkAllowsAndTheRestLater() {
        server = server(10, 4, 8 * 16_397 * 10); // Ten blocks with headers a second.
        Torrent torrent = stream.hold(sample.next(65_536 * 16));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        for (int block = 0; block < 64; block++) {
            client.send(new PeerMessage.Request(new Block(block / 4, block % 4 * BLOCK, BLOCK)));
        }
        int atOnce = client.read().size();
        assertThat(atOnce).isBetween(2, 10);

        int later = 0;
        for (int tenth = 0; tenth < 20; tenth++) {
            pass(Duration.ofMillis(100));
            later += client.read().size();
        }

        assertThat(later).isBetween(19, 21);
    }

    @Test
    void keepsABoundedQueueAndForgetsWhatIsCancelled() {
        server = server(10, 4, 8);
        Torrent torrent = stream.hold(sample.next(65_536 * 300));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        int served = 0;
        for (int block = 0; block < RequestQueue.MAX; block++) {
            client.send(new PeerMessage.Request(new Block(block / 4, block % 4 * BLOCK, BLOCK)));
            served += client.read().size();
        }
        for (int block = 0; block < served; block++) {
            client.send(new PeerMessage.Request(new Block(299, 100 * block, 100)));
        }
        assertThat(client.read()).isEmpty();

        Block tooMuch = new Block(299, 16_000, 100);
        client.send(new PeerMessage.Request(tooMuch));
        assertThat(client.read()).containsExactly(new PeerMessage.Reject(tooMuch));

        Block queued = new Block(200, 0, BLOCK);
        client.send(new PeerMessage.Cancel(queued));
        assertThat(client.read()).containsExactly(new PeerMessage.Reject(queued));
        client.send(new PeerMessage.Cancel(queued));
        assertThat(client.read()).isEmpty();
    }

    @Test
    void rejectsWhatWaitsWhenAClientLosesInterest() {
        server = server(10, 4, 8);
        Torrent torrent = stream.hold(sample.next(65_536 * 16));
        Client client = new Client(torrent, false, true);
        client.unchoked();
        List<PeerMessage> answers = new ArrayList<>();
        for (int block = 0; block < 64; block++) {
            client.send(new PeerMessage.Request(new Block(block / 4, block % 4 * BLOCK, BLOCK)));
        }
        answers.addAll(client.read());
        client.send(new PeerMessage.NotInterested());
        answers.addAll(client.read());

        assertThat(answers).hasSize(65).contains(new PeerMessage.Choke()); // Every request had its answer.
    }

    @Test
    void leavesSeedersAndThoseWhoSendPiecesAlone() {
        Torrent torrent = stream.hold(sample.next(65_536 * 9));
        Client haveAll = new Client(torrent, false, true);
        haveAll.send(new PeerMessage.HaveAll());
        Client bitfield = new Client(torrent, false, false);
        bitfield.send(new PeerMessage.Bitfield(new byte[] {(byte) 0xff, (byte) 0x80}));
        Client pushy = new Client(torrent, false, true);
        pushy.send(new PeerMessage.Piece(0, 0, Unpooled.buffer().writeZero(BLOCK)));
        Client partial = new Client(torrent, false, false);
        partial.send(new PeerMessage.Bitfield(new byte[] {(byte) 0xff, 0}));

        assertThat(haveAll.isOpen()).isFalse();
        assertThat(bitfield.isOpen()).isFalse();
        assertThat(pushy.isOpen()).isFalse();
        assertThat(partial.isOpen()).isTrue();
    }

    @Test
    void keepsAnIdleConnectionAliveAndLeavesASilentOne() {
        Torrent torrent = stream.hold(sample.next(1000));
        Client client = new Client(torrent, false, true);
        client.unchoked();

        pass(Duration.ofSeconds(110));
        assertThat(client.read()).containsExactly(new PeerMessage.KeepAlive());
        client.send(new PeerMessage.KeepAlive());
        pass(Duration.ofSeconds(140));
        assertThat(client.isOpen()).isTrue();
        pass(Duration.ofSeconds(20));
        assertThat(client.isOpen()).isFalse();
    }

    @Test
    void leavesAClientThatIsNeverInterested() {
        Client client = new Client(stream.hold(sample.next(1000)), false, true);
        for (int minute = 0; minute < 6; minute++) {
            client.send(new PeerMessage.KeepAlive());
            pass(Duration.ofMinutes(1));
        }

        assertThat(client.isOpen()).isFalse();
        assertThat(server.peers()).isZero();
    }

    @Test
    void refusesOneClientMoreThanItsLimits() throws Exception {
        server = server(3, 4, PLENTY);
        Torrent torrent = stream.hold(sample.next(1000));
        InetAddress far = InetAddress.getByName("192.0.2.7");
        Client first = new Client(torrent, false, true, far);
        new Client(torrent, false, true, far);
        assertThat(new Client(torrent, false, true, far).isOpen()).isFalse(); // Two from one address.
        new Client(torrent, false, true);
        assertThat(new Client(torrent, false, true).isOpen()).isFalse(); // Three in all.

        first.channel.close();

        assertThat(new Client(torrent, false, true, far).isOpen()).isTrue();
        assertThat(server.peers()).isEqualTo(3);
    }

    @Test
    void closesOnGarbage() {
        Torrent torrent = stream.hold(sample.next(1000));
        SplittableRandom random = new SplittableRandom(1);
        for (int round = 0; round < 200; round++) {
            Client client = new Client(torrent, true, true);
            client.read();
            byte[] garbage = new byte[random.nextInt(1, 4000)];
            random.nextBytes(garbage);
            client.channel.writeInbound(Unpooled.wrappedBuffer(garbage));
            client.read();
            client.channel.close();
        }
        Client client = new Client(torrent, true, true);
        client.read();
        client.send(new PeerMessage.Extended(0, "not bencoded".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        assertThat(client.isOpen()).isFalse();
        assertThat(server.peers()).isZero();
    }

    /** The stream's chunks, which a disk has to read first. */
    private final class OnDisk implements ChunkBytes {
        @Override
        public CompletableFuture<Boolean> prepare(ChunkRecord record) {
            return disk;
        }

        @Override
        public Optional<ByteBuf> read(ChunkRecord record, int offset, int length) {
            return stream.read(record, offset, length);
        }

        @Override
        public boolean holds(ChunkRecord record) {
            return stream.holds(record);
        }
    }

    private TorrentServer server(int peers, int slots, long bitsPerSecond) {
        TorrentServer made = new TorrentServer(
                new OnDisk(),
                new UploadBudget(bitsPerSecond, clock::get),
                new ServeLimits(
                        peers,
                        2,
                        slots,
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(150),
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(5)),
                true,
                meters,
                new SplittableRandom(1),
                clock::get,
                InstantSource.fixed(Instant.EPOCH));
        made.carry(stream);
        return made;
    }

    private void pass(Duration time) {
        long step = TimeUnit.MILLISECONDS.toNanos(50);
        for (long passed = 0; passed < time.toNanos(); passed += step) {
            clock.addAndGet(step);
            for (Client client : clients) {
                client.channel.advanceTimeBy(step, TimeUnit.NANOSECONDS);
                client.channel.runScheduledPendingTasks();
            }
        }
        clients.forEach(client -> client.channel.runPendingTasks());
    }

    private static PeerMessage extendedHandshake(Map<String, Integer> messages) {
        return extendedHandshake(messages, OptionalInt.empty(), false);
    }

    private static PeerMessage extendedHandshake(Map<String, Integer> messages, OptionalInt port, boolean uploadOnly) {
        return new PeerMessage.Extended(
                ExtendedHandshake.ID,
                new ExtendedHandshake(
                                messages,
                                Optional.empty(),
                                port,
                                Optional.empty(),
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                uploadOnly)
                        .encode());
    }

    private static byte[] piecesOf(Torrent torrent) {
        ByteArrayOutputStream hashes = new ByteArrayOutputStream();
        String info = new String(torrent.info(), java.nio.charset.StandardCharsets.ISO_8859_1);
        int at = info.indexOf("6:pieces") + "6:pieces".length();
        int from = info.indexOf(':', at) + 1;
        hashes.write(torrent.info(), from, 20 * torrent.pieceCount());
        return hashes.toByteArray();
    }

    /** A client at the other end of an embedded channel. */
    private final class Client {
        final EmbeddedChannel channel = new EmbeddedChannel();
        final EmbeddedChannel reader;
        final EmbeddedChannel writer = new EmbeddedChannel(new PeerMessageEncoder());
        Handshake handshake;

        Client(Torrent torrent, boolean extensions, boolean fast) {
            this(torrent, extensions, fast, LOOPBACK);
        }

        Client(Torrent torrent, boolean extensions, boolean fast, PeerId id) {
            this(torrent, extensions, fast, LOOPBACK, id);
        }

        Client(Torrent torrent, boolean extensions, boolean fast, InetAddress address) {
            this(torrent, extensions, fast, address, PeerId.of(new byte[PeerId.LENGTH]));
        }

        Client(Torrent torrent, boolean extensions, boolean fast, InetAddress address, PeerId id) {
            channel.freezeTime();
            clients.add(this);
            Handshake theirs = new Handshake(torrent.infoHash(), id.bytes(), extensions, fast);
            server.join(channel.pipeline(), torrent, theirs, address, Optional.empty());
            reader = new EmbeddedChannel(new HandshakeDecoder(), PeerMessageDecoder.ofTorrent(torrent.pieceCount()));
            channel.runPendingTasks();
            pump();
            Object first = reader.readInbound();
            if (first != null) {
                handshake = (Handshake) first;
            }
        }

        boolean isOpen() {
            channel.runPendingTasks();
            return channel.isOpen();
        }

        void send(PeerMessage message) {
            writer.writeOutbound(message);
            ByteBuf whole = Unpooled.buffer();
            for (ByteBuf part = writer.readOutbound(); part != null; part = writer.readOutbound()) {
                whole.writeBytes(part);
                part.release();
            }
            channel.writeInbound(whole);
        }

        /** Becomes interested, and reads all up to UNCHOKE. */
        void unchoked() {
            send(new PeerMessage.Interested());
            assertThat(read()).contains(new PeerMessage.Unchoke());
        }

        /** What came since; blocks are copies, which nobody has to let go. */
        List<PeerMessage> read() {
            channel.runPendingTasks();
            pump();
            List<PeerMessage> messages = new ArrayList<>();
            for (Object message = reader.readInbound(); message != null; message = reader.readInbound()) {
                messages.add(message instanceof PeerMessage.Piece block ? copied(block) : (PeerMessage) message);
            }
            return messages;
        }

        private PeerMessage copied(PeerMessage.Piece block) {
            ByteBuf data = Unpooled.copiedBuffer(block.data());
            block.data().release();
            return new PeerMessage.Piece(block.piece(), block.begin(), data);
        }

        byte[] download(Torrent torrent, int piece) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int length = torrent.pieceLength(piece);
            for (int begin = 0; begin < length; begin += BLOCK) {
                send(new PeerMessage.Request(new Block(piece, begin, Math.min(BLOCK, length - begin))));
                for (PeerMessage message : read()) {
                    PeerMessage.Piece answer = (PeerMessage.Piece) message;
                    assertThat(answer.piece()).isEqualTo(piece);
                    assertThat(answer.begin()).isEqualTo(begin);
                    byte[] data = new byte[answer.data().readableBytes()];
                    answer.data().readBytes(data).release();
                    bytes.writeBytes(data);
                }
            }
            return bytes.toByteArray();
        }

        private void pump() {
            for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
                reader.writeInbound(part);
            }
        }
    }
}
