package live.tributary.mesh.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import live.tributary.protocol.stream.ChunkRecord;
import org.junit.jupiter.api.Test;

class RecordChainTest {
    private final TestStream stream = new TestStream(3);
    private final RecordChain chain = new RecordChain();

    @Test
    void withinATermTheLowerHashWinsWhicheverComesFirst() {
        ChunkRecord first = stream.first();
        ChunkRecord one = stream.after(first);
        ChunkRecord two = stream.after(first);
        ChunkRecord winner = one.hash().compareTo(two.hash()) < 0 ? one : two;
        ChunkRecord loser = winner == one ? two : one;

        RecordChain other = new RecordChain();
        assertThat(chain.offer(first)).isEqualTo(RecordResult.ACCEPTED);
        assertThat(chain.offer(winner)).isEqualTo(RecordResult.ACCEPTED);
        assertThat(chain.offer(loser)).isEqualTo(RecordResult.FORK_LOST);
        other.offer(first);
        other.offer(loser);
        assertThat(other.offer(winner)).isEqualTo(RecordResult.ACCEPTED);

        assertThat(chain.newest()).contains(winner);
        assertThat(other.newest()).contains(winner);
        assertThat(chain.evidence()).containsExactly(loser);
        assertThat(other.evidence()).containsExactly(loser);
    }

    @Test
    void aHigherTermWinsAForkAndTheRunChainedToTheLoserGoes() {
        ChunkRecord first = stream.first();
        ChunkRecord old = stream.after(first);
        ChunkRecord older = stream.after(old);
        ChunkRecord restarted =
                stream.record(TestStream.TERM + 1, old.seq(), Optional.of(first.hash()), 500, TestStream.NOW, 1000);
        chain.offer(first);
        chain.offer(old);
        chain.offer(older);
        chain.takeRemoved();

        assertThat(chain.offer(restarted)).isEqualTo(RecordResult.ACCEPTED);

        assertThat(chain.newest()).contains(restarted);
        assertThat(chain.takeRemoved()).containsExactly(old, older);
    }

    @Test
    void anOriginThatRemembersNothingBeginsAnew() {
        ChunkRecord first = stream.first();
        ChunkRecord anew = stream.record(TestStream.TERM + 1, 1_700_000_000, Optional.empty(), 0, TestStream.NOW, 1000);
        chain.offer(first);

        assertThat(chain.offer(anew)).isEqualTo(RecordResult.ACCEPTED);
        assertThat(chain.gap()).isEmpty();
    }

    @Test
    void noMoreThan64RecordsWaitForAPredecessor() {
        ChunkRecord first = stream.first();
        chain.offer(first);
        ChunkRecord record = stream.after(stream.after(first));
        for (int i = 0; i < RecordChain.MAX_HELD + 10; i++) {
            record = stream.after(record);
            assertThat(chain.offer(record)).isEqualTo(RecordResult.HELD);
        }

        assertThat(chain.newestHeld()).contains(record);
        assertThat(chain.at(record.seq() - RecordChain.MAX_HELD + 1)).isPresent();
        assertThat(chain.at(record.seq() - RecordChain.MAX_HELD)).isEmpty();
    }

    @Test
    void aWaitingRecordThatDoesNotFollowWhatFillsTheGapIsDropped() {
        ChunkRecord first = stream.first();
        ChunkRecord second = stream.after(first);
        ChunkRecord stranger = stream.after(stream.after(first));
        chain.offer(first);
        chain.offer(stranger);
        chain.takeJoined();

        assertThat(chain.offer(second)).isEqualTo(RecordResult.ACCEPTED);

        assertThat(chain.takeJoined()).containsExactly(second);
        assertThat(chain.gap()).isEmpty();
    }
}
