/** Two origins for one key: one publishes, the other follows and takes over when the first goes quiet. */
@NullMarked
package live.tributary.origin.standby;

import org.jspecify.annotations.NullMarked;
