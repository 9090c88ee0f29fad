package live.tributary.gateway;

import com.github.benmanes.caffeine.cache.Ticker;
import java.net.URI;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import live.tributary.gateway.geo.Cidr;
import live.tributary.gateway.geo.ClientAddress;
import live.tributary.gateway.geo.Locator;
import live.tributary.gateway.http.FrontDoor;
import live.tributary.gateway.http.RequestRate;
import live.tributary.gateway.http.Visits;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.gateway.live.LiveService;
import live.tributary.gateway.ranking.RelayHealth;
import live.tributary.gateway.ranking.RelayRanking;
import live.tributary.gateway.stremio.AddonIdentity;
import live.tributary.gateway.stremio.AddonService;
import live.tributary.gateway.web.RelaysService;
import live.tributary.gateway.web.WebService;
import live.tributary.mesh.admin.Meters;
import live.tributary.mesh.http.HttpService;

/** The gateway's services, wired by hand. */
final class Gateway {
    /** A player asks twice a second at most; behind one address there may be a household of them, or a carrier's NAT. */
    private static final double REQUESTS_PER_SECOND = 50;

    private static final double BURST = 500;

    private Gateway() {}

    /**
     * What an operator decides.
     *
     * @param privateMode whether loopback and private addresses are viewers' and relays' real ones
     * @param fallbackOnly whether viewers are sent to the bucket alone
     */
    record Policy(
            AddonIdentity identity,
            Optional<URI> publicUrl,
            List<Cidr> trustedProxies,
            boolean privateMode,
            boolean fallbackOnly) {
        Policy {
            trustedProxies = List.copyOf(trustedProxies);
        }
    }

    /** The one service that answers all of the gateway's paths. */
    static HttpService of(
            Policy policy,
            ListedStreams streams,
            Locator locator,
            RelayHealth health,
            Meters meters,
            InstantSource clock,
            Ticker ticker) {
        Visits visits = new Visits(new ClientAddress(policy.trustedProxies), locator, policy.publicUrl);
        RelayRanking ranking = new RelayRanking(locator, health, policy.privateMode, policy.fallbackOnly);
        Optional<RequestRate> rate = policy.privateMode
                ? Optional.empty()
                : Optional.of(new RequestRate(REQUESTS_PER_SECOND, BURST, ticker));
        return new FrontDoor(
                visits,
                rate,
                meters,
                List.of(
                        new AddonService(policy.identity, streams, visits, ranking, clock, ticker),
                        new LiveService(streams, visits, ranking, clock, ticker),
                        new RelaysService(streams, visits, ranking, clock),
                        new WebService(streams)));
    }
}
