/** The volunteer's program: carries the streams that it was told to, and serves them to anybody. */
@NullMarked
package live.tributary.relay;

import org.jspecify.annotations.NullMarked;
