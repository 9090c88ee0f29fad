package live.tributary.origin.publish;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The publish state and the changes of it that are on their way to the disk: whoever finds the disk free writes for all who wait,
 * so that on a slow one a rendition waits for two writes at most, however many there are.
 *
 * <p>Each change is in the state, and its caller goes on, only once it lasts; one that could not be written never was.
 */
final class LastingState {
    private final StateFile file;
    private final List<Change> waiting = new ArrayList<>();
    private PublishState state;
    private boolean writing;

    /** One change, until it lasts or has failed. */
    private static final class Change {
        private final UnaryOperator<PublishState> how;
        private boolean done;
        private Optional<IOException> failure = Optional.empty();

        Change(UnaryOperator<PublishState> how) {
            this.how = how;
        }
    }

    /** Makes the first state last. */
    LastingState(StateFile file, PublishState first) throws IOException {
        this.file = file;
        this.state = first;
        file.write(first);
    }

    /** What lasts. */
    synchronized PublishState get() {
        return state;
    }

    /** How many changes wait for the disk to be free. */
    synchronized int waiting() {
        return waiting.size();
    }

    /** Changes the state; it lasts when this returns. */
    void change(UnaryOperator<PublishState> how) throws IOException {
        Change mine = new Change(how);
        List<Change> batch;
        PublishState next;
        synchronized (this) {
            waiting.add(mine);
            boolean interrupted = false;
            while (writing && !mine.done) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true; // What waits for the disk must know what came of it.
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (mine.done) {
                if (mine.failure.isPresent()) {
                    throw new IOException(mine.failure.get().getMessage(), mine.failure.get());
                }
                return;
            }
            writing = true;
            batch = List.copyOf(waiting);
            waiting.clear();
            next = state;
        }
        Optional<IOException> failure = Optional.of(new IOException("the publish state was not written"));
        try {
            for (Change change : batch) {
                next = change.how.apply(next);
            }
            file.write(next);
            failure = Optional.empty();
        } catch (IOException e) {
            failure = Optional.of(e);
            throw e;
        } finally {
            settle(batch, next, failure);
        }
    }

    private synchronized void settle(List<Change> batch, PublishState next, Optional<IOException> failure) {
        if (failure.isEmpty()) {
            state = next;
        }
        for (Change change : batch) {
            change.failure = failure;
            change.done = true;
        }
        writing = false;
        notifyAll();
    }
}
