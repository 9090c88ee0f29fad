package live.tributary.gateway.ranking;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Optional;
import live.tributary.gateway.geo.Location;
import live.tributary.gateway.geo.Network;
import live.tributary.gateway.geo.Place;

/**
 * Somebody who wants to watch, as far as it matters for the choice of relays.
 *
 * @param tlsOnly whether the player refuses plain http (a browser on an https page does)
 */
public record Viewer(InetAddress address, Location location, boolean tlsOnly) {
    public Network network() {
        return Network.of(address);
    }

    public boolean isIpv4() {
        return address instanceof Inet4Address;
    }

    /** The same viewer, who says where he is. */
    public Viewer at(Place place) {
        return new Viewer(
                address, new Location(Optional.of(place), Optional.empty(), location.autonomousSystem()), tlsOnly);
    }

    /** The same viewer with a player that takes plain http too. */
    public Viewer takingPlainHttp() {
        return new Viewer(address, location, false);
    }

    /** Names no address: a viewer's stays out of logs. */
    @Override
    public String toString() {
        return "viewer" + location.country().map(country -> " in " + country).orElse("");
    }
}
