/** The tracker: the swarms of the torrents that carried streams give, and their transports. */
@NullMarked
package live.tributary.mesh.tracker;

import org.jspecify.annotations.NullMarked;
