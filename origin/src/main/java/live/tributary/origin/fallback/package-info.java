/** The bucket: a copy of the stream's history on S3-compatible storage, for those that no relay reaches. */
@NullMarked
package live.tributary.origin.fallback;

import org.jspecify.annotations.NullMarked;
