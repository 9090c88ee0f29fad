package live.tributary.gateway.geo;

/** A point on the globe, in degrees, and where that is on the unit sphere. */
public final class Place {
    public static final double EARTH_RADIUS_KM = 6371;

    private final double latitude;
    private final double longitude;
    private final double x;
    private final double y;
    private final double z;

    public Place(double latitude, double longitude) {
        if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) {
            throw new IllegalArgumentException("place: " + latitude + "," + longitude + " (expected: degrees)");
        }
        this.latitude = latitude;
        this.longitude = longitude;
        double onEquator = Math.cos(Math.toRadians(latitude));
        this.x = onEquator * Math.cos(Math.toRadians(longitude));
        this.y = onEquator * Math.sin(Math.toRadians(longitude));
        this.z = Math.sin(Math.toRadians(latitude));
    }

    public double latitude() {
        return latitude;
    }

    public double longitude() {
        return longitude;
    }

    /** Of the point on the unit sphere: the product of two points is the cosine of the angle between them. */
    public double x() {
        return x;
    }

    public double y() {
        return y;
    }

    public double z() {
        return z;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Place place
                && Double.compare(latitude, place.latitude) == 0
                && Double.compare(longitude, place.longitude) == 0;
    }

    @Override
    public int hashCode() {
        return 31 * Double.hashCode(latitude) + Double.hashCode(longitude);
    }

    @Override
    public String toString() {
        return latitude + "," + longitude;
    }
}
