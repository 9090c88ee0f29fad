/** Message Stream Encryption: the keys, hashes and cipher that clients hide the peer wire with. It hides, it does not prove who anybody is. */
@NullMarked
package live.tributary.protocol.mse;

import org.jspecify.annotations.NullMarked;
