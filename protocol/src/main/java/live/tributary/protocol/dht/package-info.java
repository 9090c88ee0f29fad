/** Where a stream's things lie in the DHT. */
@NullMarked
package live.tributary.protocol.dht;

import org.jspecify.annotations.NullMarked;
