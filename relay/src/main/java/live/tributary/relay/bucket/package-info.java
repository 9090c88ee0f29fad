/** Puts to the origin's bucket that the origin signed: its uplink carries a chunk once, and a relay writes the copy. */
@NullMarked
package live.tributary.relay.bucket;

import org.jspecify.annotations.NullMarked;
