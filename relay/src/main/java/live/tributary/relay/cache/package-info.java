/** What a relay keeps of the past: its share of what the relays of its region keep together. */
@NullMarked
package live.tributary.relay.cache;

import org.jspecify.annotations.NullMarked;
