/** Where addresses are, as far as that can be told, and which of them is the viewer's. */
@NullMarked
package live.tributary.gateway.geo;

import org.jspecify.annotations.NullMarked;
