package live.tributary.gateway.stremio;

/**
 * How the add-on is named in Stremio.
 *
 * @param version strict semver: anything else is an install error
 */
public record AddonIdentity(String id, String name, String version) {
    private static final String SEMVER = "\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?";

    public AddonIdentity {
        if (!version.matches(SEMVER)) {
            throw new IllegalArgumentException("version: " + version + " (expected: semver)");
        }
    }
}
