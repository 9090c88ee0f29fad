/** The add-on protocol of Stremio: manifest, catalog, meta and stream answers as functions of what is known. */
@NullMarked
package live.tributary.gateway.stremio;

import org.jspecify.annotations.NullMarked;
