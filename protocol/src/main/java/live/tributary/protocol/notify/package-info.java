/** What an origin and a gateway say to one another on {@code /notify}, one message a WebSocket frame. */
@NullMarked
package live.tributary.protocol.notify;

import org.jspecify.annotations.NullMarked;
