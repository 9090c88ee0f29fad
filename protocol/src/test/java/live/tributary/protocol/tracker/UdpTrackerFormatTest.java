package live.tributary.protocol.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UdpTrackerFormatTest {
    private static final String STREMIO_ANNOUNCE = "80000000000000aa" + "00000001" + "0000002a"
            + "aa".repeat(20) + "3031323334353637383930313233343536373839"
            + "0000000000000000" + "ffffffffffffffff" + "0000000000000000"
            + "00000002" + "00000000" + "00000000" + "00000032" + "1ae1";

    @Test
    void readsTheAnnounceThatStremioSends() {
        AnnounceRequest request = announce(STREMIO_ANNOUNCE).request();

        assertThat(request.peerId()).isEqualTo(PeerId.STREMIO);
        assertThat(request.left()).isEmpty();
        assertThat(request.seeds()).isFalse();
        assertThat(request.event()).isEqualTo(AnnounceEvent.STARTED);
        assertThat(request.wanted()).hasValue(50);
        assertThat(request.port()).isEqualTo(6881);
        assertThat(request.cannotBeReached()).isTrue();
    }

    @Test
    void doesNotReadTheAddressThatAClientClaims() {
        String claimed = STREMIO_ANNOUNCE.substring(0, 168) + "7f000001" + STREMIO_ANNOUNCE.substring(176);

        assertThat(announce(claimed)).isEqualTo(announce(STREMIO_ANNOUNCE));
    }

    @ParameterizedTest
    @CsvSource({
        "02092f616e6e6f756e6365, /announce",
        "02092f616e6e6f756e636500, /announce",
        "02052f616e6e6f010203756e63020165, /announce",
        "ff027878020161, a",
        "0200020161, a",
        "0201610002ffff, a",
        "02016102ff62, a",
        "02016102, a",
        "ee, ''",
        "00020161, ''",
        "'', ''"
    })
    void readsTheUrlDataBehindAnAnnounce(String options, String urlData) { // BEP 41
        UdpTrackerRequest.Announce announce = announce(STREMIO_ANNOUNCE + options);

        assertThat(announce.urlData()).isEqualTo(urlData);
        assertThat(announce.request()).isEqualTo(announce(STREMIO_ANNOUNCE).request());
    }

    @Test
    void urlDataOfManyPartsComesBackWhole() {
        String longest = "/announce?" + "x".repeat(1900);
        ByteBuf out = Unpooled.buffer();
        UdpTrackerRequest.write(
                new UdpTrackerRequest.Announce(5, 6, announce(STREMIO_ANNOUNCE).request(), longest), out);

        assertThat(((UdpTrackerRequest.Announce) UdpTrackerRequest.read(out)).urlData())
                .isEqualTo(longest);
        out.release();
    }

    @Test
    void everyTruncationIsNoiseOrMalformedButNeverARequest() {
        for (int length = 0; length < UdpTrackerRequest.ANNOUNCE_LENGTH; length++) {
            UdpTrackerRequest read = read(STREMIO_ANNOUNCE.substring(0, 2 * length));
            if (length < UdpTrackerRequest.HEADER_LENGTH) {
                assertThat(read).isInstanceOf(UdpTrackerRequest.Noise.class);
            } else {
                assertThat(read).isInstanceOfSatisfying(UdpTrackerRequest.Malformed.class, malformed -> {
                    assertThat(malformed.connectionId()).isEqualTo(0x80000000000000aaL);
                    assertThat(malformed.transactionId()).isEqualTo(0x2a);
                });
            }
        }
    }

    @Test
    void refusesOneByteMoreThanTheLongestRequest() {
        int padding = UdpTrackerRequest.MAX_LENGTH - UdpTrackerRequest.ANNOUNCE_LENGTH;

        assertThat(read(STREMIO_ANNOUNCE + "00".repeat(padding))).isInstanceOf(UdpTrackerRequest.Announce.class);
        assertThat(read(STREMIO_ANNOUNCE + "00".repeat(padding + 1))).isInstanceOf(UdpTrackerRequest.Noise.class);
    }

    @Test
    void refusesAScrapeOfMoreTorrentsThanFit() {
        String header = "80000000000000aa" + "00000002" + "0000002a";
        String most = header + "aa".repeat(20 * ScrapeRequest.MAX_INFO_HASHES);

        assertThat(read(most)).isInstanceOf(UdpTrackerRequest.Scrape.class);
        assertThat(read(most + "aa".repeat(20))).isInstanceOf(UdpTrackerRequest.Malformed.class);
        assertThat(read(most.substring(0, most.length() - 2))).isInstanceOf(UdpTrackerRequest.Malformed.class);
        assertThat(read(header)).isInstanceOf(UdpTrackerRequest.Malformed.class);
    }

    @Test
    void anUnknownActionMayBeAnsweredButNotBeforeConnect() {
        assertThat(read("80000000000000aa" + "00000007" + "0000002a")).isInstanceOf(UdpTrackerRequest.Malformed.class);
        assertThat(read("0000041727101980" + "00000001" + "0000002a")).isInstanceOf(UdpTrackerRequest.Noise.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void requestsAndResponsesComeBackAsTheyWere(long seed) throws Exception {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            UdpTrackerRequest request = request(random);
            ByteBuf out = Unpooled.buffer();
            UdpTrackerRequest.write(request, out);
            assertThat(UdpTrackerRequest.read(out)).isEqualTo(request);

            InetAddress client = address(random, random.nextBoolean());
            UdpTrackerResponse response = response(random, request, client);
            ByteBuf answer = Unpooled.buffer();
            UdpTrackerResponse.write(response, client, answer);
            assertThat(UdpTrackerResponse.read(answer.duplicate(), request, client))
                    .isEqualTo(response);
            for (int length = 0; length < answer.readableBytes(); length++) {
                readTruncated(answer.slice(0, length), request, client);
            }
        }
    }

    @Test
    void leavesOutPeersOfTheOtherFamily() throws Exception {
        Endpoint v4 = new Endpoint(InetAddress.getByName("192.0.2.1"), 7001);
        Endpoint v6 = new Endpoint(InetAddress.getByName("2001:db8::1"), 7001);
        UdpTrackerResponse both =
                new UdpTrackerResponse.Announced(1, new AnnounceResponse(Duration.ofSeconds(5), 1, 2, List.of(v4, v6)));

        ByteBuf toV4 = Unpooled.buffer();
        UdpTrackerResponse.write(both, v4.address(), toV4);
        ByteBuf toV6 = Unpooled.buffer();
        UdpTrackerResponse.write(both, v6.address(), toV6);

        assertThat(ByteBufUtil.hexDump(toV4)).isEqualTo("0000000100000001000000050000000200000001" + "c00002011b59");
        assertThat(toV6.readableBytes()).isEqualTo(20 + Endpoint.COMPACT_V6);
    }

    private static void readTruncated(ByteBuf bytes, UdpTrackerRequest request, InetAddress client) {
        try {
            UdpTrackerResponse.read(bytes, request, client);
        } catch (FormatException expected) {
            assertThat(expected).hasMessageContaining("expected");
        }
    }

    private static UdpTrackerRequest request(Random random) {
        long connectionId = 0x80L << 56 | random.nextLong() >>> 8;
        return switch (random.nextInt(3)) {
            case 0 -> new UdpTrackerRequest.Connect(random.nextInt());
            case 1 ->
                new UdpTrackerRequest.Announce(
                        connectionId,
                        random.nextInt(),
                        new AnnounceRequest(
                                infoHash(random),
                                PeerId.of(bytes(random, PeerId.LENGTH)),
                                random.nextLong(),
                                random.nextBoolean()
                                        ? OptionalLong.empty()
                                        : OptionalLong.of(random.nextLong(0, Long.MAX_VALUE)),
                                random.nextLong(),
                                AnnounceEvent.values()[random.nextInt(4)],
                                random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(1000)),
                                random.nextInt(65536)));
            default -> {
                List<InfoHash> infoHashes = new ArrayList<>();
                for (int i = random.nextInt(ScrapeRequest.MAX_INFO_HASHES) + 1; i > 0; i--) {
                    infoHashes.add(infoHash(random));
                }
                yield new UdpTrackerRequest.Scrape(connectionId, random.nextInt(), new ScrapeRequest(infoHashes));
            }
        };
    }

    private static UdpTrackerResponse response(Random random, UdpTrackerRequest request, InetAddress client)
            throws Exception {
        if (random.nextInt(5) == 0) {
            return new UdpTrackerResponse.Failed(random.nextInt(), "reason " + random.nextInt());
        }
        if (request instanceof UdpTrackerRequest.Connect) {
            return new UdpTrackerResponse.Connected(random.nextInt(), random.nextLong());
        }
        if (request instanceof UdpTrackerRequest.Scrape scrape) {
            Map<InfoHash, ScrapeResponse.Counts> swarms = new LinkedHashMap<>();
            scrape.request()
                    .infoHashes()
                    .forEach(infoHash -> swarms.put(
                            infoHash,
                            new ScrapeResponse.Counts(random.nextInt(9), random.nextInt(9), random.nextInt(9))));
            return new UdpTrackerResponse.Scraped(random.nextInt(), scrape.request(), new ScrapeResponse(swarms));
        }
        List<Endpoint> peers = new ArrayList<>();
        for (int i = random.nextInt(20); i > 0; i--) {
            peers.add(new Endpoint(address(random, client.getAddress().length == 4), 1 + random.nextInt(65535)));
        }
        return new UdpTrackerResponse.Announced(
                random.nextInt(),
                new AnnounceResponse(
                        Duration.ofSeconds(random.nextInt(10_000)), random.nextInt(99), random.nextInt(99), peers));
    }

    private static InetAddress address(Random random, boolean ipv4) throws Exception {
        byte[] bytes = bytes(random, ipv4 ? 4 : 16);
        bytes[0] = ipv4 ? (byte) 100 : (byte) 0x20; // Never IPv4-mapped, which Java turns into IPv4.
        return InetAddress.getByAddress(bytes);
    }

    private static InfoHash infoHash(Random random) {
        return InfoHash.of(bytes(random, InfoHash.LENGTH));
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static UdpTrackerRequest.Announce announce(String hex) {
        return (UdpTrackerRequest.Announce) read(hex);
    }

    private static UdpTrackerRequest read(String hex) {
        return UdpTrackerRequest.read(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex)));
    }
}
