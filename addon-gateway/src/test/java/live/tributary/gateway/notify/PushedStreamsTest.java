package live.tributary.gateway.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import live.tributary.gateway.FakeStream;
import live.tributary.gateway.live.ListedStreams;
import live.tributary.mesh.MeshNode;
import live.tributary.mesh.StreamIntake;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.stream.RelayKey;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import live.tributary.protocol.wire.LiveMessage;
import org.junit.jupiter.api.Test;

class PushedStreamsTest {
    private static final NotifyLimits LIMITS =
            NotifyLimits.DEFAULT.withOpenStreams(2).withoutNetworks();
    private static final Instant EXPIRES = FakeStream.EPOCH.plusSeconds(600);

    private final FakeStream stream = FakeStream.live(1, "One", 2);
    private final FakeStream next = FakeStream.live(2, "Two", 2);
    private final FakeStream third = FakeStream.live(3, "Three", 2);
    private final FakeNode mesh = new FakeNode(stream, next, third);
    private final ListedStreams listed = new ListedStreams();
    private final Set<StreamKey> denied = new HashSet<>();
    private final PushedStreams pushed = new PushedStreams(mesh, listed, true, denied::contains, LIMITS);

    @Test
    void anOpenStreamIsForgottenTwoMinutesAfterItsLastHeadStoppedToCount() throws Exception {
        push(stream);
        pushed.sweep(EXPIRES.plus(LIMITS.kept()));
        assertThat(listed.isListed(stream.key())).isTrue();

        pushed.sweep(EXPIRES.plus(LIMITS.kept()).plusMillis(1));
        assertThat(listed.isListed(stream.key())).isFalse();
        assertThat(mesh.carried).isEmpty();
    }

    @Test
    void aNewHeadKeepsIt() throws Exception {
        push(stream);
        stream.headUntil(EXPIRES.plusSeconds(300));
        push(stream);
        pushed.sweep(EXPIRES.plusSeconds(300).plus(LIMITS.kept()));

        assertThat(listed.isListed(stream.key())).isTrue();
    }

    @Test
    void whoIsForgottenMakesRoomForAnother() throws Exception {
        push(stream);
        push(next);
        push(third);
        assertThat(listed.isListed(third.key())).isFalse();

        pushed.sweep(EXPIRES.plus(LIMITS.kept()).plusMillis(1));
        push(third);
        assertThat(listed.isListed(third.key())).isTrue();
    }

    @Test
    void whatAnOperatorListedIsNeverForgotten() throws Exception {
        listed.add(mesh.carry(stream.key(), NodeRole.LISTENER));
        push(stream);
        pushed.sweep(EXPIRES.plus(Duration.ofDays(1)));

        assertThat(listed.isListed(stream.key())).isTrue();
        assertThat(mesh.carried).containsExactly(stream.key());
    }

    @Test
    void theOldIdOfAnOpenStreamLeadsToItsSuccessorEvenWhenTheOldOneIsForgotten() throws Exception {
        push(stream);
        push(next);
        pushed.ended(rotation(stream, next), FakeStream.EPOCH);
        assertThat(listed.find(stream.key().text())).contains(next);
        assertThat(listed.all()).containsExactly(next);

        next.headUntil(EXPIRES.plusSeconds(3600));
        push(next);
        pushed.sweep(EXPIRES.plusSeconds(1800));
        assertThat(listed.isListed(stream.key())).isFalse();
        assertThat(listed.find(stream.key().text())).contains(next);
    }

    @Test
    void aGatewayThatStartsAfterTheRotationLearnsItFromTheOldKeysOrigin() throws Exception {
        pushed.ended(rotation(stream, next), FakeStream.EPOCH);
        push(next);

        assertThat(listed.find(stream.key().text())).contains(next);
    }

    @Test
    void anOldIdIsForgottenOnceItsSuccessorIsNotListed() throws Exception {
        pushed.ended(rotation(stream, next), FakeStream.EPOCH);
        push(next);
        pushed.sweep(EXPIRES.plus(LIMITS.kept()).plusMillis(1));

        assertThat(listed.find(stream.key().text())).isEmpty();
        push(next);
        assertThat(listed.find(stream.key().text()))
                .as("its origin says it again")
                .isEmpty();
    }

    @Test
    void aThiefWhoHandsOverToADeniedKeyOrTooOftenIsNotFollowed() throws Exception {
        denied.add(next.key());
        pushed.ended(rotation(stream, next), FakeStream.EPOCH);
        push(third);
        for (int seed = 10; seed < 13; seed++) {
            pushed.ended(rotation(new FakeStream(seed), third), FakeStream.EPOCH);
        }

        assertThat(listed.find(stream.key().text())).isEmpty();
        assertThat(listed.find(new FakeStream(11).key().text())).contains(third);
        assertThat(listed.find(new FakeStream(12).key().text()))
                .as("one more than there is room for")
                .isEmpty();
    }

    @Test
    void aRevokedKeyLeadsNowhere() throws Exception {
        push(stream);
        pushed.ended(KeyEnd.revocation(stream.signingKey(), FakeStream.EPOCH), FakeStream.EPOCH);

        assertThat(listed.find(stream.key().text())).contains(stream);
    }

    private static KeyEnd rotation(FakeStream from, FakeStream to) {
        return KeyEnd.rotation(from.signingKey(), to.key(), FakeStream.EPOCH);
    }

    private void push(FakeStream one) throws UnknownHostException {
        pushed.head(one.head().orElseThrow(), InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
    }

    /** A node that carries what it is told to, of some streams. */
    private static final class FakeNode implements MeshNode {
        private final Map<StreamKey, StreamView> known = new HashMap<>();
        private final Set<StreamKey> carried = new HashSet<>();

        FakeNode(FakeStream... streams) {
            for (FakeStream stream : streams) {
                known.put(stream.key(), stream);
            }
        }

        @Override
        public RelayKey key() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Endpoint> endpoints() {
            return List.of();
        }

        @Override
        public StreamView carry(StreamKey stream, NodeRole role) {
            carried.add(stream);
            return Optional.ofNullable(known.get(stream)).orElseThrow();
        }

        @Override
        public StreamPublisher publish(SigningKey streamKey) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<StreamIntake> intake(StreamKey stream) {
            return carried.contains(stream) ? Optional.of(new NoNews()) : Optional.empty();
        }

        @Override
        public void leave(StreamKey stream) {
            carried.remove(stream);
        }

        @Override
        public ChunkBytes chunks() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    private static final class NoNews implements StreamIntake {
        @Override
        public void take(SignedHead head) {}

        @Override
        public void take(About about) {}

        @Override
        public void take(ChunkRecord record) {}

        @Override
        public void take(LiveMessage.Stored stored) {}

        @Override
        public void take(KeyEnd end) {}

        @Override
        public void take(List<RelayDescriptor> relays) {}
    }
}
