/** The pages that people open: watch, configure. */
@NullMarked
package live.tributary.gateway.web;

import org.jspecify.annotations.NullMarked;
