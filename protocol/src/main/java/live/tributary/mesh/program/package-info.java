/** What every program shares: options from one declaration, the READY line, keys on disk, an orderly stop. */
@NullMarked
package live.tributary.mesh.program;

import org.jspecify.annotations.NullMarked;
