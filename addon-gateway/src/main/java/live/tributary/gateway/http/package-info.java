/** What the gateway's services share: raw paths, JSON, who is asking, how often. */
@NullMarked
package live.tributary.gateway.http;

import org.jspecify.annotations.NullMarked;
