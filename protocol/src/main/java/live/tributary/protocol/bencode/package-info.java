/** Bencoding with named limits; bt-bencoding does the parsing and stays inside this package. */
@NullMarked
package live.tributary.protocol.bencode;

import org.jspecify.annotations.NullMarked;
