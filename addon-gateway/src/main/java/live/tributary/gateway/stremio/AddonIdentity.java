package live.tributary.gateway.stremio;

/**
 * How the add-on is named in Stremio.
 *
 * @param version strict semver: anything else is an install error
 */
public record AddonIdentity(String id, String name, String version) {
    private static final String SEMVER = "\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?";

    /** A program's version as semver: one that is none becomes a pre-release of 0.0.0. */
    public static String semver(String version) {
        return version.matches(SEMVER) ? version : "0.0.0-" + version.replaceAll("[^0-9A-Za-z.-]", "-");
    }

    public AddonIdentity {
        if (!version.matches(SEMVER)) {
            throw new IllegalArgumentException("version: " + version + " (expected: semver)");
        }
    }
}
