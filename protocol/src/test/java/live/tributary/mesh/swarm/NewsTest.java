package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class NewsTest {
    private final Samples samples = new Samples(21);
    private final Swarmbed bed = new Swarmbed(NodeRole.RELAY);

    @Test
    void anAboutThatComesBeforeItsHeadCountsOnceThatIsHere() {
        LinkId sender = bed.relay(1);
        LinkId other = bed.relay(2);
        About about = about(bed);

        bed.gets(sender, new LiveMessage.AboutNews(about));
        assertThat(bed.abouts).isEmpty();
        bed.gets(sender, new LiveMessage.HeadNews(pinning(bed, about)));

        assertThat(bed.abouts).containsExactly(about);
        assertThat(bed.sentTo(other, LiveMessage.AboutNews.class)).hasSize(1);
    }

    @Test
    void nobodysAboutTakesThePlaceOfAnothersThatWaitsForItsHead() {
        LinkId sender = bed.relay(1);
        LinkId hostile = bed.relay(2);
        About about = about(bed);

        bed.gets(sender, new LiveMessage.AboutNews(about));
        bed.gets(hostile, new LiveMessage.AboutNews(about(bed)));
        bed.gets(sender, new LiveMessage.HeadNews(pinning(bed, about)));

        assertThat(bed.abouts).containsExactly(about);
    }

    @Test
    void nobodyMakesAnOriginForgetItsOwnAboutBeforeItsHead() {
        Swarmbed origin = new Swarmbed(NodeRole.ORIGIN);
        LinkId hostile = origin.relay(1);
        About about = about(origin);

        origin.swarm.learnt(about, origin.now);
        origin.gets(hostile, new LiveMessage.AboutNews(about(origin)));
        origin.swarm.learnt(pinning(origin, about), origin.now);

        assertThat(origin.abouts).containsExactly(about);
        assertThat(origin.sentTo(hostile, LiveMessage.AboutNews.class)).hasSize(1);
    }

    private static SignedHead pinning(Swarmbed bed, About about) {
        return bed.stream.head(1, bed.wall.plusSeconds(300), TestStream.TERM, about.hash());
    }

    private About about(Swarmbed bed) {
        return samples.about(bed.stream.key);
    }
}
