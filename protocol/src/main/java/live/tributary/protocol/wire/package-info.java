/** Messages of the peer wire (BEP 3, 6, 10) and of tb_live, with their codecs. */
@NullMarked
package live.tributary.protocol.wire;

import org.jspecify.annotations.NullMarked;
