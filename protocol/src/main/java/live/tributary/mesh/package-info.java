/** The node that every program is: one stream carried, seen from outside. */
@NullMarked
package live.tributary.mesh;

import org.jspecify.annotations.NullMarked;
