/** Port mapping: asking the router to let others in. */
@NullMarked
package live.tributary.relay.nat;

import org.jspecify.annotations.NullMarked;
