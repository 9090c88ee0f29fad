/** Owncast's own word on its stream: what it is called, and that it begins or ends. Hints, never the truth. */
@NullMarked
package live.tributary.origin.owncast;

import org.jspecify.annotations.NullMarked;
