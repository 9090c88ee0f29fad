/** The origin's own HTTP: playlists, with magnets too, chunks, and a page to watch its feed. */
@NullMarked
package live.tributary.origin.http;

import org.jspecify.annotations.NullMarked;
