/** Live playlists written for one viewer. */
@NullMarked
package live.tributary.gateway.live;

import org.jspecify.annotations.NullMarked;
