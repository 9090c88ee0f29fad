/** The verified directory of a stream's mesh nodes. */
@NullMarked
package live.tributary.mesh.relays;

import org.jspecify.annotations.NullMarked;
