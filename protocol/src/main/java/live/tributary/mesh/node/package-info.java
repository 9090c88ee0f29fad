/** The node inside every program, wired from the options that all of them have. */
@NullMarked
package live.tributary.mesh.node;

import org.jspecify.annotations.NullMarked;
