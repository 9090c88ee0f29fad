package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;
import org.junit.jupiter.api.Test;

/** Some relays carry only some renditions; the samples are of rendition 0. */
class RenditionRulesTest {
    @Test
    void aRelayKeepsTheRecordsOfAllRenditionsAndFetchesOnlyItsOwn() {
        Swarmbed bed = new Swarmbed(NodeRole.RELAY, Set.of(1));
        ChunkRecord record = bed.stream.first();
        bed.live();
        LinkId relay = bed.relay(1);
        LinkId other = bed.relay(2);

        bed.hears(relay, record);
        bed.gets(relay, new PeerMessage.Have(record.firstPiece()));

        assertThat(bed.counted(RecordResult.ACCEPTED)).isOne();
        assertThat(bed.recordsSentTo(other)).containsExactly(record);
        assertThat(bed.opened).isEmpty();
        assertThat(bed.sentTo(relay, PeerMessage.Request.class)).isEmpty();
    }

    @Test
    void whatARelayCarriesItFetches() {
        Swarmbed bed = new Swarmbed(NodeRole.RELAY, Set.of(0, 3));
        ChunkRecord record = bed.stream.first();
        bed.live();
        LinkId relay = bed.relay(1);

        bed.hears(relay, record);
        bed.gets(relay, new PeerMessage.Have(record.firstPiece()));

        assertThat(bed.opened).containsExactly(record);
        assertThat(bed.sentTo(relay, PeerMessage.Request.class)).isNotEmpty();
    }

    @Test
    void aPageAnswersTheQuestionAboutItsOwnRenditionAlone() {
        Swarmbed bed = new Swarmbed(NodeRole.RELAY);
        bed.live();
        LinkId asked = bed.relay(1);
        List<ChunkRecord> video = run(bed, bed.stream.first());
        List<ChunkRecord> audio = run(bed, bed.stream.first(1));
        bed.hears(asked, video.get(29), audio.get(29));
        assertThat(bed.sentTo(asked, LiveMessage.RecordsPlease.class)).hasSize(2);

        bed.gets(asked, new LiveMessage.Records(video.subList(0, 29)));
        bed.gets(asked, new LiveMessage.Records(audio.subList(0, 29)));

        assertThat(bed.accepted.subList(0, 30)).isEqualTo(video);
        assertThat(bed.accepted.subList(30, 60)).as("handed on from the oldest").isEqualTo(audio);
        assertThat(bed.sentTo(asked, LiveMessage.RecordsPlease.class)).hasSize(2);
    }

    @Test
    void anEmptyPageAnswersTheQuestionThatWasAskedFirst() {
        Swarmbed bed = new Swarmbed(NodeRole.RELAY);
        bed.live();
        LinkId asked = bed.relay(1);
        bed.hears(asked, run(bed, bed.stream.first()).get(29));
        bed.pass(Duration.ofMillis(100));
        bed.hears(asked, run(bed, bed.stream.first(1)).get(29));

        bed.gets(asked, new LiveMessage.Records(List.of()));

        assertThat(bed.accepted).extracting(ChunkRecord::rendition).containsExactly(0);
        assertThat(bed.sentTo(asked, LiveMessage.RecordsPlease.class))
                .extracting(LiveMessage.RecordsPlease::rendition)
                .containsExactly(0, 1, 0);
    }

    private static List<ChunkRecord> run(Swarmbed bed, ChunkRecord first) {
        List<ChunkRecord> run = new ArrayList<>(List.of(first));
        while (run.size() < 30) {
            run.add(bed.stream.after(run.get(run.size() - 1)));
        }
        return run;
    }

    @Test
    void aChildIsPushedNoPieceOfARenditionThatItDoesNotCarry() {
        Swarmbed bed = new Swarmbed(NodeRole.RELAY);
        ChunkRecord record = bed.stream.first();
        bed.live();
        LinkId origin = bed.link(1, NodeRole.ORIGIN);
        bed.hears(origin, record);
        LinkId all = bed.relay(2);
        LinkId few = bed.relay(3);
        bed.swarm.described(few, Set.of(1), 10_000_000);
        for (LinkId child : List.of(all, few)) {
            bed.gets(child, new LiveMessage.Tree((int) (record.firstPiece() % LiveMessage.STRIPES), true));
        }

        bed.receives(origin, record, 0);

        assertThat(bed.piecesSentTo(all)).containsExactly(record.firstPiece());
        assertThat(bed.piecesSentTo(few)).isEmpty();
    }

    @Test
    void anOriginGivesPiecesToThoseWhoCarryTheirRendition() {
        Swarmbed bed = new Swarmbed(NodeRole.ORIGIN);
        bed.live();
        LinkId few = bed.relay(1);
        LinkId all = bed.relay(2);
        for (LinkId relay : List.of(few, all)) {
            for (int stripe = 0; stripe < LiveMessage.STRIPES; stripe++) {
                bed.gets(relay, new LiveMessage.Tree(stripe, true));
            }
        }
        bed.swarm.described(few, Set.of(1), 10_000_000);
        ChunkRecord record = bed.stream.first();

        bed.swarm.publish(record, bed.now);
        bed.pass(Duration.ofSeconds(1));

        assertThat(bed.piecesSentTo(few)).isEmpty();
        assertThat(bed.piecesSentTo(all))
                .containsAll(LongStream.range(record.firstPiece(), record.endPiece())
                        .boxed()
                        .toList());
    }
}
