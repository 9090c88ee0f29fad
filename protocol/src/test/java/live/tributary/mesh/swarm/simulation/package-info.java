/** A whole mesh in virtual time: many {@code LiveSwarm}s on one event queue, from a seed. */
@NullMarked
package live.tributary.mesh.swarm.simulation;

import org.jspecify.annotations.NullMarked;
