/** Sockets: the one TCP port and what is spoken on it, and the links between mesh nodes. */
@NullMarked
package live.tributary.mesh.net;

import org.jspecify.annotations.NullMarked;
