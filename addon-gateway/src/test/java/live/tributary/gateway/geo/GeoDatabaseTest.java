package live.tributary.gateway.geo;

import static live.tributary.gateway.geo.MmdbFile.address;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GeoDatabaseTest {
    @TempDir
    private Path folder;

    private GeoDatabase open(MmdbFile... files) throws IOException {
        Path[] paths = new Path[files.length];
        for (int i = 0; i < files.length; i++) {
            paths[i] = files[i].write(folder.resolve(i + ".mmdb"));
        }
        return GeoDatabase.open(List.of(paths));
    }

    @Test
    void readsMaxMindsSchema() throws IOException {
        try (GeoDatabase database = open(new MmdbFile(4)
                .put(
                        "193.0.6.0/24",
                        Map.of(
                                "location", Map.of("latitude", 52.4, "longitude", 4.9),
                                "country", Map.of("iso_code", "NL"))))) {
            Location location = database.locate(address("193.0.6.139"));

            assertThat(location.place()).contains(new Place(52.4, 4.9));
            assertThat(location.country()).contains("NL");
        }
    }

    @Test
    void readsTheFlatSchema() throws IOException {
        try (GeoDatabase database = open(new MmdbFile(4)
                .put("193.0.0.0/16", Map.of("latitude", 52.4, "longitude", 4.9, "country_code", "NL")))) {
            assertThat(database.locate(address("193.0.6.139")).place()).contains(new Place(52.4, 4.9));
        }
    }

    @Test
    void countryAloneIsItsMiddle() throws IOException {
        try (GeoDatabase database = open(new MmdbFile(4).put("202.12.0.0/16", Map.of("country_code", "AU")))) {
            assertThat(database.locate(address("202.12.29.205")).place()).contains(new Place(-34, 148));
        }
    }

    @Test
    void everyCountryHasAMiddle() {
        assertThat(Locale.getISOCountries())
                .allMatch(code -> Countries.middle(code).isPresent());
    }

    @Test
    void ipv6IsNotLookedUpInAFileOfIpv4() throws IOException {
        try (GeoDatabase database =
                open(new MmdbFile(4).put("32.0.0.0/8", Map.of("latitude", 40.7, "longitude", -74.0)))) {
            assertThat(database.locate(address("32.1.6.7")).place()).isPresent();
            assertThat(database.locate(address("2001:67c:2e8::1"))).isEqualTo(Location.UNKNOWN);
        }
    }

    @Test
    void filesAddUp() throws IOException {
        try (GeoDatabase database = open(
                new MmdbFile(4).put("193.0.6.0/24", Map.of("latitude", 52.4, "longitude", 4.9)),
                new MmdbFile(6).put("2001:67c::/32", Map.of("latitude", 52.0, "longitude", 5.0)),
                new MmdbFile(6).put("193.0.6.0/24", Map.of("autonomous_system_number", 3333L)))) {
            Location v4 = database.locate(address("193.0.6.139"));

            assertThat(v4.place()).contains(new Place(52.4, 4.9));
            assertThat(v4.autonomousSystem()).hasValue(3333);
            assertThat(database.locate(address("2001:67c:2e8::1")).place()).contains(new Place(52.0, 5.0));
        }
    }

    @Test
    void refusesAFileThatIsNone() throws IOException {
        Path file = Files.writeString(folder.resolve("x.mmdb"), "not a database");

        assertThatThrownBy(() -> GeoDatabase.open(List.of(file))).isInstanceOf(IOException.class);
    }
}
