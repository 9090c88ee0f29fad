package live.tributary.mesh.http;

import io.netty.channel.ChannelHandler;
import java.util.Optional;

/** Takes connections over that ask to become WebSockets (RFC 6455). */
public interface WebSocketService {
    /** The longest message, bytes, after its fragments were put together. */
    int MAX_MESSAGE = 64 * 1024;

    /** Told to a connection's handler as a user event: the other end closes, and what is written now is the last that it gets. */
    Object CLOSING = new Object();

    /** The longest frame of a message, bytes. */
    default int maxFrame() {
        return MAX_MESSAGE;
    }

    /**
     * A new handler of the connection's messages, or empty where the path is not this service's; the server then shakes hands,
     * puts fragments together, and answers pings and closes.
     */
    Optional<ChannelHandler> accept(HttpQuery query);
}
