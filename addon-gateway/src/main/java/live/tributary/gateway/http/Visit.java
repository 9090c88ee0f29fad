package live.tributary.gateway.http;

import live.tributary.gateway.ranking.Viewer;

/**
 * One question's circumstances.
 *
 * @param base the URL by which the viewer knows this gateway, without a slash at the end
 */
public record Visit(Viewer viewer, String base) {
    public Visit {
        if (base.endsWith("/")) {
            throw new IllegalArgumentException("base: " + base + " (expected: no slash at the end)");
        }
    }

    public Visit with(Viewer other) {
        return new Visit(other, base);
    }
}
