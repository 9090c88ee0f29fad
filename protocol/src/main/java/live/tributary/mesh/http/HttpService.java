package live.tributary.mesh.http;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Answers queries; asked on an event loop, so it returns at once and completes the stage when it can. */
public interface HttpService {
    /** The answer, or empty where the path is not this service's. HEAD is asked as GET; the body is left out by the server. */
    Optional<CompletionStage<HttpAnswer>> answer(HttpQuery query);

    /** Whether it is asked for POST as well; of the others the server says that the method is not allowed. */
    default boolean takesPosts() {
        return false;
    }
}
