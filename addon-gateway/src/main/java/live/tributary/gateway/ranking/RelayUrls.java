package live.tributary.gateway.ranking;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import live.tributary.protocol.stream.Endpoint;

/** What a relay is called to viewers of one kind, put together once. */
final class RelayUrls {
    final String hostPort;
    /** Where its edge answers, without a slash at the end. */
    final String httpBase;
    /** Trackers are asked by torrent clients, which know no mixed content: always plain. */
    final String httpTracker;

    final String udpTracker;
    final byte[] httpTrackerAscii;
    final byte[] udpTrackerAscii;

    /** @param tlsName under which to ask it by https; empty where plain http is to be used */
    RelayUrls(Endpoint endpoint, Optional<String> tlsName) {
        this.hostPort = endpoint.text();
        this.httpBase =
                tlsName.map(name -> "https://" + name + ":" + endpoint.port()).orElse("http://" + hostPort);
        this.httpTracker = "http://" + hostPort + "/announce";
        this.udpTracker = "udp://" + hostPort + "/announce";
        this.httpTrackerAscii = httpTracker.getBytes(StandardCharsets.US_ASCII);
        this.udpTrackerAscii = udpTracker.getBytes(StandardCharsets.US_ASCII);
    }
}
