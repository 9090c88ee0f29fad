/** Asking relays for what they say they hold, as their viewers would. */
@NullMarked
package live.tributary.gateway.probe;

import org.jspecify.annotations.NullMarked;
