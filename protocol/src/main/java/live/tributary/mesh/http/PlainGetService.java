package live.tributary.mesh.http;

import java.util.Map;
import java.util.Optional;

/**
 * Answers the plain GETs of one path at once, for a path that is asked so often that taking requests apart is what they cost.
 *
 * <p>Whatever it does not answer, and every request that is not plain, goes to the server's services, which answer this path too.
 */
public interface PlainGetService {
    String path();

    /** The headers of every answer, beside those that the server adds. */
    Map<String, String> headers();

    /** The body of an answer with status 200; empty, and without any trace, where another status is due. */
    Optional<byte[]> answer(PlainGet request);
}
