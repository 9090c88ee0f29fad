/** Which relays a viewer is offered, in which order, and why others are not. */
@NullMarked
package live.tributary.gateway.ranking;

import org.jspecify.annotations.NullMarked;
