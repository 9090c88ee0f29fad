/** What the operator sees: metrics, status, and a page of both. */
@NullMarked
package live.tributary.mesh.admin;

import org.jspecify.annotations.NullMarked;
