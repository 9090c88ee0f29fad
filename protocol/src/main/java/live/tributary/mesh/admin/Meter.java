package live.tributary.mesh.admin;

import java.util.List;

/** Every meter of the programs; its name as Prometheus shows it is {@code tributary_}, the name, the unit, {@code _total}. */
public enum Meter {
    SENT("sent", Type.COUNTER, "bytes", "Payload sent, by who it went to and how", "peer", "via"),
    RECEIVED("received", Type.COUNTER, "bytes", "Payload received, by who it came from and how", "peer", "via"),
    CHUNK_LATENCY("chunk.latency", Type.TIMER, "seconds", "From written at the origin to verified here"),
    BEHIND_LIVE("behind.live", Type.GAUGE, "seconds", "Age of the newest chunk that is held whole"),
    FEED_SILENCE("feed.silence", Type.GAUGE, "seconds", "Since the feed's last segment, while it is on air; else 0"),
    CHUNKS("chunks", Type.COUNTER, "", "Chunks that became whole, were refused, or were never got", "result"),
    RECORDS("records", Type.COUNTER, "", "Records that arrived, by what became of them", "result"),
    LINKS("links", Type.GAUGE, "", "Links to other mesh nodes that stand now"),
    PEERS("peers", Type.GAUGE, "", "Clients connected to this node's torrents now"),
    DROPPED("dropped.connections", Type.COUNTER, "", "Connections refused or ended by this node, by why", "reason"),
    ANNOUNCES("announces", Type.COUNTER, "", "Announces to the tracker", "transport", "result"),
    OFFERS(
            "offers",
            Type.COUNTER,
            "",
            "Offers of WebRTC that browsers made by the tracker, by what became of them",
            "result"),
    WEB_SOCKETS("web.sockets", Type.GAUGE, "", "Browsers connected to the tracker now"),
    PORT_MAPPED(
            "port.mapped",
            Type.GAUGE,
            "",
            "1 while a router forwards this relay's port, by how it was asked",
            "protocol"),
    REGION_SHARE("region.share", Type.GAUGE, "", "Older chunks that fall to this relay of its region", "state"),
    HTTP_ANSWERS("http.answers", Type.COUNTER, "", "Answers by HTTP, by status; cut: clients closed on", "result"),
    CACHE("cache", Type.GAUGE, "bytes", "Bytes of chunks held", "tier"),
    ADDON_REQUESTS("addon.requests", Type.COUNTER, "", "Requests to the Stremio add-on", "resource", "result"),
    BUILD_INFO("build.info", Type.GAUGE, "", "Always 1; says what runs", "version", "role"),
    NOTIFY_LINKS("notify.links", Type.GAUGE, "", "Proven /notify connections that stand now"),
    NOTIFY_NEWS("notify.news", Type.COUNTER, "", "News over /notify, by what became of it", "result"),
    DHT_NODES("dht.nodes", Type.GAUGE, "", "DHT nodes in the routing table"),
    DHT_ITEMS("dht.items", Type.GAUGE, "", "Items of others stored for the DHT");

    /** How a meter moves. */
    enum Type {
        COUNTER,
        GAUGE,
        TIMER
    }

    private static final String PREFIX = "tributary.";

    private final String name;
    private final Type type;
    private final String unit;
    private final String description;
    private final List<String> tags;

    Meter(String name, Type type, String unit, String description, String... tags) {
        this.name = name;
        this.type = type;
        this.unit = unit;
        this.description = description;
        this.tags = List.of(tags);
    }

    String dottedName() {
        return PREFIX + name;
    }

    Type type() {
        return type;
    }

    String unit() {
        return unit;
    }

    String description() {
        return description;
    }

    List<String> tags() {
        return tags;
    }
}
