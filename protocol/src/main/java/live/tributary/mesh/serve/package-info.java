/** Chunk and window torrents for any BitTorrent client: uploads only, from chunks that this node holds. */
@NullMarked
package live.tributary.mesh.serve;

import org.jspecify.annotations.NullMarked;
