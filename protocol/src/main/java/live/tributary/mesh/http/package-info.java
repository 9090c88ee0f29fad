/** HTTP as the programs' handlers see it: a query in, an answer out, CORS on everything. */
@NullMarked
package live.tributary.mesh.http;

import org.jspecify.annotations.NullMarked;
