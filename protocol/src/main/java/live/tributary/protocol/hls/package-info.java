/** HLS playlists (RFC 8216): feeds as they are read, and the live and master playlists that Tributary writes. */
@NullMarked
package live.tributary.protocol.hls;

import org.jspecify.annotations.NullMarked;
