/** {@code /notify}: streams pushed by their origins. */
@NullMarked
package live.tributary.gateway.notify;

import org.jspecify.annotations.NullMarked;
