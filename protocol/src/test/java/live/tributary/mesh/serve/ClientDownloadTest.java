package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;

import bt.Bt;
import bt.BtClientBuilder;
import bt.data.file.FileSystemStorage;
import bt.metainfo.MetadataService;
import bt.protocol.crypto.EncryptionPolicy;
import bt.runtime.BtClient;
import bt.runtime.BtRuntime;
import bt.runtime.Config;
import bt.tracker.http.HttpTrackerModule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.admin.DropReason;
import live.tributary.mesh.admin.Meter;
import live.tributary.mesh.admin.PeerKind;
import live.tributary.protocol.metainfo.Magnet;
import live.tributary.protocol.metainfo.Torrent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Torrents as an independent client, bt-core's, downloads them with nothing but a .torrent file or a magnet. */
@Timeout(120)
class ClientDownloadTest {
    private static final int TRY_SECONDS = 20;
    private static final int TRIES = 5;

    private ServerFixture node;

    @TempDir
    Path folder;

    @BeforeEach
    void start() throws Exception {
        node = new ServerFixture();
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
    }

    @Test
    void downloadsAChunkByTorrentFileAndUdpTracker() throws Exception {
        SampleStream.Chunk chunk = node.sample.next(1_000_003);
        Torrent torrent = node.stream.hold(chunk);

        byte[] metainfo = torrent.metainfo(List.of(node.udpTracker()));
        download(builder -> builder.torrent(() -> new MetadataService().fromByteArray(metainfo)));

        assertThat(folder.resolve(chunk.record().fileName())).hasBinaryContent(chunk.bytes());
        assertThat(node.meters.sum(Meter.SENT, PeerKind.VIEWER)).isGreaterThanOrEqualTo(1_000_003);
    }

    @Test
    void downloadsAWindowByMagnetAndHttpTracker() throws Exception {
        List<SampleStream.Chunk> chunks = new ArrayList<>();
        for (int length :
                new int[] {200_000, 65_536, 1, 131_073, 777_777}) { // With and without padding, and two alike.
            chunks.add(node.sample.next(length));
        }
        chunks.forEach(node.stream::hold);
        Torrent torrent = node.stream.close(chunks);

        String magnet = new Magnet(torrent.infoHash(), torrent.name(), List.of(node.httpTracker())).toString();
        download(builder -> builder.magnet(magnet));

        Path window = folder.resolve(torrent.name());
        for (SampleStream.Chunk chunk : chunks) {
            assertThat(window.resolve(chunk.record().fileName())).hasBinaryContent(chunk.bytes());
        }
        assertThat(window.resolve("index.m3u8")).hasBinaryContent(torrent.playlist());
        assertThat(Files.readString(window.resolve("index.m3u8"))).endsWith("#EXT-X-ENDLIST\n");
    }

    @ParameterizedTest
    @EnumSource(
            names = {"PREFER_PLAINTEXT", "REQUIRE_ENCRYPTED"
            }) // Its own idea, and enciphered from the first byte to the last.
    void downloadsAChunkBehindAnEncryptedHandshake(EncryptionPolicy policy) throws Exception {
        SampleStream.Chunk chunk = node.sample.next(300_001);
        byte[] metainfo = node.stream.hold(chunk).metainfo(List.of(node.httpTracker()));
        Config config = config();
        config.setMseDisabled(false);
        config.setEncryptionPolicy(policy);

        download(config, builder -> builder.torrent(() -> new MetadataService().fromByteArray(metainfo)));

        assertThat(folder.resolve(chunk.record().fileName())).hasBinaryContent(chunk.bytes());
        assertThat(node.drops.sum(DropReason.GARBLED)).isZero();
    }

    private interface Source {
        BtClientBuilder of(BtClientBuilder builder);
    }

    private void download(Source source) throws Exception {
        download(config(), source);
    }

    /** bt-core gives a peer up where its own reads are late, other servers' too, and forgets it for half an hour. */
    private void download(Config config, Source source) throws Exception {
        for (int left = TRIES; ; left--) {
            try {
                download(config, source, TRY_SECONDS);
                return;
            } catch (TimeoutException e) {
                if (left == 1) {
                    throw e;
                }
            }
        }
    }

    private static Config config() {
        Config config = new Config();
        config.setAcceptorAddress(ServerFixture.LOOPBACK);
        config.setAcceptorPort(0);
        config.setMaxMessageProcessingInterval(Duration.ofMillis(1));
        config.setMseDisabled(true);
        config.setPeerDiscoveryInterval(Duration.ofMillis(100));
        config.setNetworkBufferSize(128 * 1024);
        config.setMaxSimultaneouslyAssignedPieces(64);
        return config;
    }

    private void download(Config config, Source source, int seconds) throws Exception {
        BtRuntime runtime = BtRuntime.builder(config)
                .module(new HttpTrackerModule())
                .disableStandardExtensions()
                .disableAutomaticShutdown()
                .build();
        try {
            BtClient client = source.of(Bt.client(runtime).storage(new FileSystemStorage(folder)))
                    .stopWhenDownloaded()
                    .build();
            client.startAsync().get(seconds, TimeUnit.SECONDS);
        } finally {
            runtime.shutdown();
        }
    }
}
