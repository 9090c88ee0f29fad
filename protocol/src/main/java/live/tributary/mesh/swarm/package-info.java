/** The I/O-free core of a stream's mesh: what to ask of whom, what to push where, what to believe. */
@NullMarked
package live.tributary.mesh.swarm;

import org.jspecify.annotations.NullMarked;
