/** The origin: a broadcaster's feed, published to the mesh. */
@NullMarked
package live.tributary.origin;

import org.jspecify.annotations.NullMarked;
