package live.tributary.mesh.rendezvous;

import lbms.plugins.mldht.kad.DHT.LogLevel;
import lbms.plugins.mldht.kad.DHTLogger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** bt-dht's log, which is chatter to an operator and goes to debug. */
final class DhtLog implements DHTLogger {
    private static final Logger LOG = LoggerFactory.getLogger("dht");

    @Override
    public void log(String message, LogLevel level) {
        if (level == LogLevel.Fatal) {
            LOG.warn("{}", message);
        } else {
            LOG.debug("{}", message);
        }
    }

    @Override
    public void log(Throwable error, LogLevel level) {
        if (level == LogLevel.Fatal) {
            LOG.warn("the DHT library failed", error);
        } else {
            LOG.debug("the DHT library complained", error);
        }
    }
}
