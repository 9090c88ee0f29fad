/** Streams as signed data: keys, chunk records, heads, abouts and relay descriptors. */
@NullMarked
package live.tributary.protocol.stream;

import org.jspecify.annotations.NullMarked;
