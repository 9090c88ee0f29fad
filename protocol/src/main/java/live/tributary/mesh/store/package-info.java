/** The bytes of chunks, in memory and on disk, within their caps. */
@NullMarked
package live.tributary.mesh.store;

import org.jspecify.annotations.NullMarked;
