/** Keys that are no longer used, and what is still said for them. */
@NullMarked
package live.tributary.origin.keys;

import org.jspecify.annotations.NullMarked;
