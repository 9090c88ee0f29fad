/** Encrypted handshakes (Message Stream Encryption) in front of the peer wire, from both sides. */
@NullMarked
package live.tributary.mesh.mse;

import org.jspecify.annotations.NullMarked;
