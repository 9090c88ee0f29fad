/** The add-on gateway: listens on the mesh and answers Stremio, browsers and players with the best entry for each viewer. */
@NullMarked
package live.tributary.gateway;

import org.jspecify.annotations.NullMarked;
