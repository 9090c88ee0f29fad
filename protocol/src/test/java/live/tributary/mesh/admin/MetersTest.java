package live.tributary.mesh.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Optional;
import live.tributary.mesh.swarm.RecordResult;
import org.junit.jupiter.api.Test;

final class MetersTest {
    private final Meters meters = new Meters();

    @Test
    void haveTheNamesOfTheContract() {
        meters.tally(Meter.SENT, PeerKind.VIEWER, Via.HTTP).add(7);
        meters.tally(Meter.RECEIVED, PeerKind.ORIGIN, Via.WIRE).add(5);
        meters.tally(Meter.CHUNKS, ChunkOutcome.VERIFIED).increment();
        meters.tally(Meter.RECORDS, RecordResult.BAD_SIGNATURE).increment();
        meters.tally(Meter.ANNOUNCES, "udp", "ok").increment();
        meters.tally(Meter.ADDON_REQUESTS, "stream", "ok").increment();
        meters.gauge(() -> 3, Meter.LINKS);
        meters.gauge(() -> 4, Meter.PEERS);
        meters.gauge(() -> 1.5, Meter.BEHIND_LIVE);
        meters.gauge(() -> 1024, Meter.CACHE, "memory");
        meters.gauge(() -> 1, Meter.BUILD_INFO, "1.0", "relay");
        meters.record(Meter.CHUNK_LATENCY, Duration.ofMillis(300));
        assertThat(meters.scrape().lines())
                .contains(
                        "tributary_sent_bytes_total{peer=\"viewer\",via=\"http\"} 7.0",
                        "tributary_received_bytes_total{peer=\"origin\",via=\"wire\"} 5.0",
                        "tributary_chunks_total{result=\"verified\"} 1.0",
                        "tributary_records_total{result=\"bad-signature\"} 1.0",
                        "tributary_announces_total{result=\"ok\",transport=\"udp\"} 1.0",
                        "tributary_addon_requests_total{resource=\"stream\",result=\"ok\"} 1.0",
                        "tributary_links 3.0",
                        "tributary_peers 4.0",
                        "tributary_behind_live_seconds 1.5",
                        "tributary_cache_bytes{tier=\"memory\"} 1024.0",
                        "tributary_build_info{role=\"relay\",version=\"1.0\"} 1",
                        "tributary_chunk_latency_seconds_bucket{le=\"0.5\"} 1",
                        "tributary_chunk_latency_seconds_sum 0.3");
    }

    @Test
    void carryTheRegionWhereItIsKnown() {
        Meters here = new Meters(Optional.of("eu"));
        here.tally(Meter.CHUNKS, ChunkOutcome.MISSED).increment();
        assertThat(here.scrape()).contains("tributary_chunks_total{region=\"eu\",result=\"missed\"} 1.0");
    }

    @Test
    void countWhatCameBeforeAndAfterTheFirstScrape() {
        Tally before = meters.tally(Meter.SENT, PeerKind.RELAY, Via.WIRE);
        before.add(1);
        assertThat(meters.scrape()).contains("via=\"wire\"} 1.0");
        before.add(1);
        meters.tally(Meter.SENT, PeerKind.RELAY, Via.HTTP).add(3);
        meters.gauge(() -> 9, Meter.LINKS);
        assertThat(meters.scrape()).contains("via=\"wire\"} 2.0", "via=\"http\"} 3.0", "tributary_links 9.0");
        assertThat(meters.tally(Meter.SENT, PeerKind.RELAY, Via.WIRE)).isSameAs(before);
        assertThat(meters.sum(Meter.SENT, PeerKind.RELAY)).isEqualTo(5);
        assertThat(meters.sum(Meter.SENT)).isEqualTo(5);
    }

    @Test
    void refuseTagsThatAreNotTheMeters() {
        assertThatIllegalArgumentException().isThrownBy(() -> meters.tally(Meter.SENT, PeerKind.RELAY));
        assertThatIllegalArgumentException().isThrownBy(() -> meters.tally(Meter.LINKS));
        assertThatIllegalArgumentException().isThrownBy(() -> meters.record(Meter.SENT, Duration.ZERO));
    }
}
