/** The relay's HLS edge: playlists and chunks over HTTP, and what else a viewer may ask of it. */
@NullMarked
package live.tributary.relay.edge;

import org.jspecify.annotations.NullMarked;
