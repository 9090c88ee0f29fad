/** From complete segments to signed records, heads and abouts on the mesh, gapless across restarts. */
@NullMarked
package live.tributary.origin.publish;

import org.jspecify.annotations.NullMarked;
