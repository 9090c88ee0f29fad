package live.tributary.mesh.swarm.simulation;

import java.util.function.Consumer;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** One message on its way, with its length on the wire. */
sealed interface Parcel {
    int HEADER = 5;
    int EXTENDED_HEADER = 6;

    int bytes();

    record Wire(PeerMessage message, int bytes) implements Parcel {
        static Wire of(PeerMessage message) {
            boolean block = message instanceof PeerMessage.Request
                    || message instanceof PeerMessage.Cancel
                    || message instanceof PeerMessage.Reject;
            return new Wire(message, block ? HEADER + 12 : message instanceof PeerMessage.Have ? HEADER + 4 : HEADER);
        }
    }

    record Live(LiveMessage message, int bytes) implements Parcel {
        static Live of(LiveMessage message) {
            return new Live(message, EXTENDED_HEADER + length(message));
        }

        private static int length(LiveMessage message) {
            if (message instanceof LiveMessage.RecordNews news) {
                return 16 + news.record().encodedLength();
            }
            if (message instanceof LiveMessage.Records page) {
                return 16
                        + page.records().stream()
                                .mapToInt(ChunkRecord::encodedLength)
                                .sum();
            }
            if (message instanceof LiveMessage.Window window) {
                return 16 + 24 * window.held().size();
            }
            if (message instanceof LiveMessage.Coming coming) {
                return 16 + 12 * coming.pieces().size();
            }
            return message instanceof LiveMessage.HeadNews ? 400 : 32;
        }
    }

    /**
     * A block's bytes.
     *
     * @param left told when the last of them has left the sender
     */
    record Bytes(PeerMessage.Block block, boolean garbage, Consumer<PeerMessage.Block> left) implements Parcel {
        @Override
        public int bytes() {
            return HEADER + 8 + block.length();
        }
    }
}
