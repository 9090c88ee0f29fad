package live.tributary.relay.nat;

import java.util.List;

/** Finds the routers of this machine's networks; closing ends what the search started. */
public interface Routers extends AutoCloseable {
    /** Those that answered, the best first. May take half a minute. */
    List<Router> find() throws InterruptedException;

    @Override
    void close();
}
