package live.tributary.gateway.notify;

import java.time.Duration;

/**
 * How much strangers may push.
 *
 * @param openStreams the most streams that are listed only because they are pushed
 * @param openStreamsOfANetwork of those, the most from one /24 or /48
 * @param connections the most connections, proven or not
 * @param connectionsOfANetwork of those, the most from one /24 or /48
 * @param connectionsOfAStream the most that push one stream: its origin and those that stand by
 * @param bytesPerSecond what one connection may push for long; who is faster is read slower
 * @param burst what it may push at once, to begin with
 * @param handshake how long a connection may take to prove itself
 * @param silence how long it may say nothing
 * @param kept how long a stream without a head that counts stays listed
 */
public record NotifyLimits(
        int openStreams,
        int openStreamsOfANetwork,
        int connections,
        int connectionsOfANetwork,
        int connectionsOfAStream,
        long bytesPerSecond,
        long burst,
        Duration handshake,
        Duration silence,
        Duration kept) {
    public static final NotifyLimits DEFAULT = new NotifyLimits(
            32,
            4,
            256,
            16,
            4,
            8 * 1024,
            4 * 1024 * 1024,
            Duration.ofSeconds(10),
            Duration.ofSeconds(60),
            Duration.ofMinutes(2));

    public NotifyLimits withOpenStreams(int most) {
        return new NotifyLimits(
                most,
                openStreamsOfANetwork,
                connections,
                connectionsOfANetwork,
                connectionsOfAStream,
                bytesPerSecond,
                burst,
                handshake,
                silence,
                kept);
    }

    /** Where all hosts share one address, as in a lab, a network has no share. */
    public NotifyLimits withoutNetworks() {
        return new NotifyLimits(
                openStreams,
                openStreams,
                connections,
                connections,
                connectionsOfAStream,
                bytesPerSecond,
                burst,
                handshake,
                silence,
                kept);
    }
}
