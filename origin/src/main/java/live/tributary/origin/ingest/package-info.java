/** Feeds: what an encoder writes or a server offers as HLS, read until each segment is complete, in order, once. */
@NullMarked
package live.tributary.origin.ingest;

import org.jspecify.annotations.NullMarked;
