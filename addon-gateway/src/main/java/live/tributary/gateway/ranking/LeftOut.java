package live.tributary.gateway.ranking;

import java.util.Locale;
import live.tributary.mesh.RelayView;

/** A mesh node that a viewer is not sent to, and why. */
public record LeftOut(RelayView relay, Reason reason) {
    /** Why a node is left out. */
    public enum Reason {
        /** An origin or a listener: the broadcaster's uplink is not for viewers. */
        NOT_A_RELAY,
        /** The operator sends viewers to the bucket alone. */
        FALLBACK_ONLY,
        /** Its link to the gateway is gone, so nobody knows what it holds. */
        NOT_LINKED,
        /** No endpoint of it answered a challenge. */
        NOT_REACHABLE,
        OTHER_ADDRESS_FAMILY,
        /** The viewer's player takes https only, and the relay has no certificate. */
        NO_TLS,
        FAILING,
        /** A better one of the same /24 or /48 is offered already. */
        SAME_NETWORK;

        /** For people and JSON: {@code no-tls}. */
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
