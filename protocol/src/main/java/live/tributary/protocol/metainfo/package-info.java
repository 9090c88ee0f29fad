/** Torrents as pure functions of signed records, and magnets (BEP 3, 9, 47). */
@NullMarked
package live.tributary.protocol.metainfo;

import org.jspecify.annotations.NullMarked;
