package live.tributary.gateway.geo;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.maxmind.db.Reader;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where addresses are, from MMDB files: with coordinates or only a country, in MaxMind's schema or a flat one.
 *
 * <p>Several files add up: one may know cities and another the autonomous systems, or each one address family.
 */
public final class GeoDatabase implements Locator, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GeoDatabase.class);
    private static final int IPV4_ONLY = 4;
    private static final int IPV6 = 6;
    private static final long MAX_KEPT = 100_000;
    private static final Duration KEPT = Duration.ofHours(1);

    private final List<File> files;
    private final Cache<Network, Location> known =
            Caffeine.newBuilder().maximumSize(MAX_KEPT).expireAfterWrite(KEPT).build();

    private GeoDatabase(List<File> files) {
        this.files = files;
    }

    private record File(Path path, Reader reader, boolean ipv4) {
        /**
         * Only addresses of the file's family: an IPv6 address looked up in a file of IPv4 answers with somebody else's place. A file of IPv6
         * may hold both, and knows nothing of IPv4 where it does not.
         */
        boolean knows(InetAddress address) {
            return !ipv4 || address instanceof Inet4Address;
        }
    }

    public static GeoDatabase open(List<Path> paths) throws IOException {
        List<File> files = new ArrayList<>();
        try {
            for (Path path : paths) {
                Reader reader = new Reader(path.toFile());
                int version = reader.getMetadata().ipVersion();
                if (version != IPV4_ONLY && version != IPV6) {
                    reader.close();
                    throw new IOException(path + ": ip version " + version + " (expected: 4 or 6)");
                }
                files.add(new File(path, reader, version == IPV4_ONLY));
            }
        } catch (IOException e) {
            for (File file : files) {
                file.reader.close();
            }
            throw e;
        }
        return new GeoDatabase(files);
    }

    @Override
    public Location locate(InetAddress address) {
        return known.get(Network.of(address), network -> lookUp(address));
    }

    private Location lookUp(InetAddress address) {
        Optional<Place> place = Optional.empty();
        Optional<String> country = Optional.empty();
        OptionalLong as = OptionalLong.empty();
        for (File file : files) {
            if (file.knows(address)) {
                Map<?, ?> entry = entry(file, address);
                place = place.or(() -> coordinates(entry));
                country = country.or(() -> country(entry));
                as = as.isPresent() ? as : autonomousSystem(entry);
            }
        }
        Optional<Place> middle = country.flatMap(Countries::middle);
        return new Location(place.or(() -> middle), country, as);
    }

    private static Map<?, ?> entry(File file, InetAddress address) {
        try {
            Map<?, ?> entry = file.reader.get(address, Map.class);
            return entry == null ? Map.of() : entry;
        } catch (IOException | RuntimeException e) {
            LOG.warn("{} cannot be read: {}", file.path, e.toString());
            return Map.of();
        }
    }

    private static Optional<Place> coordinates(Map<?, ?> entry) {
        Map<?, ?> fields = entry.get("location") instanceof Map<?, ?> location ? location : entry;
        if (fields.get("latitude") instanceof Number latitude && fields.get("longitude") instanceof Number longitude) {
            try {
                return Optional.of(new Place(latitude.doubleValue(), longitude.doubleValue()));
            } catch (IllegalArgumentException e) {
                return Optional.empty(); // Not on the globe: as good as not there.
            }
        }
        return Optional.empty();
    }

    private static Optional<String> country(Map<?, ?> entry) {
        Object code =
                entry.get("country") instanceof Map<?, ?> country ? country.get("iso_code") : entry.get("country_code");
        return code instanceof String text && text.length() == 2 ? Optional.of(text) : Optional.empty();
    }

    private static OptionalLong autonomousSystem(Map<?, ?> entry) {
        return entry.get("autonomous_system_number") instanceof Number number
                ? OptionalLong.of(number.longValue())
                : OptionalLong.empty();
    }

    @Override
    public void close() throws IOException {
        for (File file : files) {
            file.reader.close();
        }
    }
}
