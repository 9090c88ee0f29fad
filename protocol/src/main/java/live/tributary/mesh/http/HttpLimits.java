package live.tributary.mesh.http;

import java.time.Duration;

/**
 * What one HTTP connection may take of a server.
 *
 * @param requestLine characters of the request line
 * @param headers bytes of all headers of a request
 * @param body bytes of a request's body
 * @param pipelined requests that may wait for their turn
 * @param firstRequest from the connection's start until its first request is whole
 * @param idle from an answer's end until the next request is whole: slow headers count as idleness
 * @param stalled how long nothing of an answer may leave while the client does not read
 * @param answer how long a service may think
 */
public record HttpLimits(
        int requestLine,
        int headers,
        int body,
        int pipelined,
        Duration firstRequest,
        Duration idle,
        Duration stalled,
        Duration answer) {
    public static final HttpLimits DEFAULT = new HttpLimits(
            8 * 1024,
            16 * 1024,
            64 * 1024,
            64,
            Duration.ofSeconds(10),
            Duration.ofSeconds(60),
            Duration.ofSeconds(30),
            Duration.ofSeconds(30));
}
