package live.tributary.gateway.geo;

/** A point on the globe, in degrees. */
public record Place(double latitude, double longitude) {
    public static final double EARTH_RADIUS_KM = 6371;

    public Place {
        if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) {
            throw new IllegalArgumentException("place: " + latitude + "," + longitude + " (expected: degrees)");
        }
    }

    /** The great circle's length. */
    public double kilometresTo(Place other) {
        double dLatitude = Math.toRadians(other.latitude - latitude);
        double dLongitude = Math.toRadians(other.longitude - longitude);
        double a = square(Math.sin(dLatitude / 2))
                + Math.cos(Math.toRadians(latitude))
                        * Math.cos(Math.toRadians(other.latitude))
                        * square(Math.sin(dLongitude / 2));
        return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
    }

    /** The point on the unit sphere: the product of two points is the cosine of the angle between them. */
    public double x() {
        return Math.cos(Math.toRadians(latitude)) * Math.cos(Math.toRadians(longitude));
    }

    public double y() {
        return Math.cos(Math.toRadians(latitude)) * Math.sin(Math.toRadians(longitude));
    }

    public double z() {
        return Math.sin(Math.toRadians(latitude));
    }

    private static double square(double x) {
        return x * x;
    }
}
