package live.tributary.mesh.program;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The programs, and what each takes for the shared options unless told otherwise. */
public enum ProgramKind {
    GATEWAY(7000, 7004, 7010, ""),
    RELAY(7001, 7002, 7011, "10Mbit"),
    ORIGIN(7003, 7005, 7013, "");

    private final int port;
    private final int dhtPort;
    private final int adminPort;
    private final String maxUpload;

    ProgramKind(int port, int dhtPort, int adminPort, String maxUpload) {
        this.port = port;
        this.dhtPort = dhtPort;
        this.adminPort = adminPort;
        this.maxUpload = maxUpload;
    }

    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The environment variable of an option, {@code TRIBUTARY_RELAY_MAX_UPLOAD} for {@code max-upload}. */
    String environmentVariable(String key) {
        return environmentPrefix() + key.replace('-', '_').toUpperCase(Locale.ROOT);
    }

    String environmentPrefix() {
        return "TRIBUTARY_" + name() + "_";
    }

    /** By key; options that are not here have the default of their declaration, or none. */
    Map<String, String> defaults() {
        Map<String, String> defaults = new LinkedHashMap<>();
        defaults.put("port", Integer.toString(port));
        defaults.put("dht-port", Integer.toString(dhtPort));
        defaults.put("admin", "127.0.0.1:" + adminPort);
        defaults.put("data", "~/.tributary/" + text());
        if (!maxUpload.isEmpty()) {
            defaults.put("max-upload", maxUpload);
        }
        return defaults;
    }
}
