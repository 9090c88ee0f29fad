package live.tributary.origin.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import live.tributary.mesh.SampleStream;
import live.tributary.mesh.StreamIntake;
import live.tributary.mesh.StreamListener;
import live.tributary.mesh.StreamPublisher;
import live.tributary.mesh.StreamView;
import live.tributary.mesh.node.KeyFollower;
import live.tributary.mesh.node.StreamMemory;
import live.tributary.origin.standby.LoopbackNode;
import live.tributary.protocol.Samples;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.KeyEnd;
import live.tributary.protocol.stream.NodeRole;
import live.tributary.protocol.stream.Sha256;
import live.tributary.protocol.stream.SignedHead;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Keys that end, in a mesh of real nodes. */
@Timeout(120)
class FormerStreamTest {
    private static final Duration BOUND = Duration.ofSeconds(40);

    private final Samples samples = new Samples(17);
    private final SampleStream old = new SampleStream(1, Instant.now().minusSeconds(30));
    private final SampleStream fresh = new SampleStream(2, Instant.now().minusSeconds(30));
    private final List<AutoCloseable> parts = new ArrayList<>();

    @TempDir
    private Path folder;

    @AfterEach
    void stop() throws Exception {
        for (int i = parts.size() - 1; i >= 0; i--) {
            parts.get(i).close();
        }
    }

    private LoopbackNode node(LoopbackNode... peers) throws IOException {
        return keep(new LoopbackNode(samples.key(), peers));
    }

    /** A relay that follows, as the relay's program does. */
    private final class Follower implements AutoCloseable {
        final Map<StreamKey, StreamView> carried = new ConcurrentHashMap<>();
        final LoopbackNode node;
        final KeyFollower follower;

        Follower(String file, LoopbackNode... peers) throws IOException {
            node = node(peers);
            follower = new KeyFollower(
                    StreamMemory.open(folder.resolve(file)),
                    node.mesh,
                    end -> carry(end.successor().orElseThrow()));
            parts.add(this);
        }

        void carry(StreamKey stream) {
            StreamView view = node.mesh.carry(stream, NodeRole.RELAY);
            carried.put(stream, view);
            follower.follow(view);
        }

        StreamView view(StreamKey stream) {
            return carried.get(stream);
        }

        @Override
        public void close() {
            follower.close();
        }
    }

    @Test
    void relaysFollowARotationByThemselvesAndRememberIt() throws Exception {
        LoopbackNode origin = node();
        Follower relay = new Follower("one", origin);
        relay.carry(old.streamKey());
        KeyEnd end = KeyEnd.rotation(old.signingKey(), fresh.streamKey(), Instant.now());
        FormerStream said = keep(new FormerStream(
                new FormerKeys.Former(old.signingKey(), end), "was", origin.mesh, List::of, InstantSource.system()));
        StreamPublisher next = origin.mesh.publish(fresh.signingKey());
        publish(next, fresh);

        eventually("the relay carries the new stream", () -> relay.carried.containsKey(fresh.streamKey()));
        eventually(
                "and its chunks",
                () -> relay.view(fresh.streamKey()).newest(0, 1).stream()
                        .anyMatch(relay.view(fresh.streamKey())::holds));
        assertThat(relay.view(old.streamKey()).keyEnd()).contains(end);
        // A relay that heard the last word first takes no head any more; the origin tells it in any case.
        eventually(
                "the old about names the new key",
                () -> said.view()
                        .about()
                        .flatMap(about -> about.body().successor())
                        .equals(Optional.of(fresh.streamKey())));

        // Another that comes later, and knows nobody but the relay, hears it from there.
        Follower late = new Follower("two", relay.node);
        late.carry(old.streamKey());
        eventually("the late one follows", () -> late.carried.containsKey(fresh.streamKey()));

        // And one that starts again with its disk follows though nobody tells it.
        Follower alone = new Follower("one");
        alone.carry(old.streamKey());
        eventually("it remembers", () -> alone.carried.containsKey(fresh.streamKey()));
    }

    @Test
    void nothingNewerOfARevokedKeyIsTakenEvenAfterARestart() throws Exception {
        LoopbackNode origin = node();
        Follower relay = new Follower("one", origin);
        relay.carry(old.streamKey());
        StreamPublisher publisher = origin.mesh.publish(old.signingKey());
        publish(publisher, old);
        StreamView seen = relay.view(old.streamKey());
        eventually("published", () -> seen.newest(0, 9).size() == 1);
        KeyEnd end = KeyEnd.revocation(old.signingKey(), Instant.now());
        LoopbackNode owner = node(relay.node);
        keep(new FormerStream(
                new FormerKeys.Former(old.signingKey(), end), "was", owner.mesh, List::of, InstantSource.system()));
        eventually("revoked", () -> seen.keyEnd().equals(Optional.of(end)));
        eventually("on disk", () -> memory("one").ends().of(old.streamKey()).equals(Optional.of(end)));

        // Whoever has the key goes on with it, at a node that has not heard.
        Follower again = new Follower("one"); // Alone: a neighbour could tell it what was published before the end.
        again.carry(old.streamKey());
        eventually("remembered", () -> again.view(old.streamKey()).keyEnd().isPresent());
        LoopbackNode thief = node(relay.node, again.node);
        StreamPublisher stolen = thief.mesh.publish(old.signingKey());
        eventually(
                "linked",
                () -> stolen.view().relays().stream()
                                .filter(one -> one.linked())
                                .count()
                        == 2);
        publish(stolen, old);
        eventually("the thief is told too", () -> stolen.view().keyEnd().isPresent());

        assertThat(seen.newest(0, 9)).hasSize(1);
        assertThat(again.view(old.streamKey()).newest(0, 9)).isEmpty();
    }

    @Test
    void whoStartsAgainTakesNoHeadThatIsOlderThanOneHeardBefore() throws Exception {
        LoopbackNode origin = node();
        Follower relay = new Follower("one", origin);
        relay.carry(old.streamKey());
        SignedHead newest = head(old, 2);
        origin.mesh.publish(old.signingKey()).publish(newest);
        eventually("heard", () -> relay.view(old.streamKey()).head().equals(Optional.of(newest)));
        eventually("on disk", () -> memory("one").heads().of(old.streamKey()).equals(Optional.of(newest)));

        Follower again = new Follower("one");
        again.carry(old.streamKey());
        List<SignedHead> told = new CopyOnWriteArrayList<>();
        again.view(old.streamKey()).addListener(new StreamListener() {
            @Override
            public void headChanged(SignedHead head) {
                told.add(head);
            }
        });
        SignedHead before = head(old, 1);
        SignedHead later = head(old, 3);
        StreamIntake intake = again.node.mesh.intake(old.streamKey()).orElseThrow();
        intake.take(before);
        intake.take(later);

        eventually("a later one is taken", () -> told.contains(later));
        assertThat(told).doesNotContain(before);
    }

    private StreamMemory memory(String name) {
        try {
            return StreamMemory.open(folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private <T extends AutoCloseable> T keep(T part) {
        parts.add(part);
        return part;
    }

    private static void publish(StreamPublisher publisher, SampleStream stream) {
        publisher.publish(head(stream, System.currentTimeMillis()));
        SampleStream.Chunk chunk = stream.next(100_000);
        publisher.publish(chunk.record(), chunk.buffer());
    }

    private static SignedHead head(SampleStream stream, long seq) {
        return SignedHead.sign(
                new Head(
                        seq,
                        Instant.now().plusSeconds(300),
                        Head.Status.LIVE,
                        stream.term(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Sha256.ofContent(new byte[0])),
                stream.signingKey());
    }

    private static void eventually(String fact, BooleanSupplier holds) {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(fact).isLessThan(end);
            LockSupport.parkNanos(10_000_000);
        }
    }
}
