/** Tracker messages, typed once, and their encodings: UDP (BEP 15, 41) and HTTP (BEP 3, 7, 23, 48). */
@NullMarked
package live.tributary.protocol.tracker;

import org.jspecify.annotations.NullMarked;
