package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import live.tributary.protocol.Samples;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class LastWordTest {
    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);
    private final TestStream stream = bed.stream;
    private final SigningKey next = SigningKey.fromSeed(new byte[SigningKey.SEED_LENGTH]);
    private final KeyEnd rotation = KeyEnd.rotation(stream.key, next.streamKey(), TestStream.NOW);
    private final KeyEnd revocation = KeyEnd.revocation(stream.key, TestStream.NOW);

    @Test
    void nothingNewerOfAKeyThatHasEndedIsTaken() {
        bed.live();
        LinkId sender = bed.relay(1);
        ChunkRecord first = stream.first();
        bed.hears(sender, first);

        bed.gets(sender, new LiveMessage.KeyEndNews(revocation));
        bed.hears(sender, stream.after(first));
        bed.gets(sender, new LiveMessage.HeadNews(stream.head(9, bed.wall.plusSeconds(300))));

        assertThat(bed.keyEnds).containsExactly(revocation);
        assertThat(bed.accepted).containsExactly(first);
        assertThat(bed.heads).hasSize(1);
        assertThat(bed.counted(RecordResult.REVOKED)).isEqualTo(2);
    }

    @Test
    void aLastWordGoesOnOnceAndGreetsWhoeverComesLater() {
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);

        bed.gets(sender, new LiveMessage.KeyEndNews(rotation));
        bed.gets(other, new LiveMessage.KeyEndNews(rotation));
        LinkId later = bed.relay(3);

        assertThat(sentTo(sender)).isEmpty();
        assertThat(sentTo(other)).containsExactly(rotation);
        assertThat(sentTo(later)).containsExactly(rotation);
    }

    @Test
    void aForgedLastWordDropsTheLinkAndChangesNothing() throws FormatException {
        bed.live();
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);
        byte[] forged = revocation.encoded();
        forged[forged.length - 20] ^= 1;

        bed.gets(sender, new LiveMessage.KeyEndNews(KeyEnd.decode(forged)));
        bed.hears(other, stream.first());

        assertThat(bed.dropped).containsExactly(sender);
        assertThat(bed.keyEnds).isEmpty();
        assertThat(bed.accepted).hasSize(1);
    }

    @Test
    void theFirstSuccessorStaysAndARevocationEndsThatToo() {
        LinkId sender = bed.relay(1);
        SigningKey thief = new Samples(3).key();
        KeyEnd late = KeyEnd.rotation(stream.key, thief.streamKey(), TestStream.NOW.minusSeconds(100));

        bed.gets(sender, new LiveMessage.KeyEndNews(rotation));
        bed.gets(sender, new LiveMessage.KeyEndNews(late));
        bed.gets(sender, new LiveMessage.KeyEndNews(revocation));
        bed.gets(sender, new LiveMessage.KeyEndNews(rotation));

        assertThat(bed.keyEnds).containsExactly(rotation, revocation);
    }

    @Test
    void anotherStreamsLastWordIsNoneHere() {
        LinkId sender = bed.relay(1);

        bed.gets(sender, new LiveMessage.KeyEndNews(KeyEnd.revocation(next, TestStream.NOW)));

        assertThat(bed.keyEnds).isEmpty();
        assertThat(bed.counted(RecordResult.WRONG_STREAM)).isOne();
    }

    private List<KeyEnd> sentTo(LinkId link) {
        return bed.sent.stream()
                .filter(sent -> sent.to().equals(link) && sent.message() instanceof LiveMessage.KeyEndNews)
                .map(sent -> ((LiveMessage.KeyEndNews) sent.message()).end())
                .toList();
    }
}
