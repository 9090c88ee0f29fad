package live.tributary.mesh.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import live.tributary.protocol.metainfo.Torrent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that ask and never read, beside one that does. */
@Timeout(60)
class StalledPeerTest {
    private static final int STALLED = 20;
    private static final int SMALL_BUFFER = 4096;
    private static final int REQUESTS = 1000;

    @Test
    void moveNobodyElse() throws Exception {
        try (ServerFixture node = new ServerFixture()) {
            Torrent torrent = node.stream.hold(node.sample.next(24 * 1024 * 1024));
            healthyDownload(node, torrent);
            long alone = healthyDownload(node, torrent);
            List<RawClient> stalled = new ArrayList<>();
            try {
                for (int i = 0; i < STALLED; i++) {
                    RawClient client = RawClient.dial(node.address(), SMALL_BUFFER);
                    stalled.add(client);
                    client.greet(torrent);
                    client.interested();
                    client.greeted();
                    client.await(RawClient.UNCHOKE);
                    for (int request = 0; request < REQUESTS; request++) {
                        client.request(request / 4, request % 4 * 16384, 16384);
                    }
                }
                long beside = healthyDownload(node, torrent);

                // One stalled peer of bt-core's server stops everybody until it leaves; here it may cost a little CPU.
                assertThat(beside).isLessThan(5 * alone + 2_000_000_000L);
                assertThat(node.server.peers()).isGreaterThanOrEqualTo(STALLED);
            } finally {
                for (RawClient client : stalled) {
                    client.close();
                }
            }
        }
    }

    private static long healthyDownload(ServerFixture node, Torrent torrent) throws Exception {
        long start = System.nanoTime();
        try (RawClient client = RawClient.dial(node.address(), 1 << 18)) {
            client.greet(torrent);
            client.interested();
            client.greeted();
            client.await(RawClient.UNCHOKE);
            assertThat(client.download(torrent, 64)).isEqualTo(torrent.length());
        }
        return System.nanoTime() - start;
    }
}
