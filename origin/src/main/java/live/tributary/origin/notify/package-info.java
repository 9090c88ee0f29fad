/** The stream pushed to gateways over WebSockets. */
@NullMarked
package live.tributary.origin.notify;

import org.jspecify.annotations.NullMarked;
