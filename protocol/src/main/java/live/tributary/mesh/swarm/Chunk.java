package live.tributary.mesh.swarm;

import live.tributary.protocol.stream.ChunkRecord;

/** A chunk whose record was accepted, and how much of it is here. */
final class Chunk {
    enum State {
        FETCHING,
        CHECKING,
        COMPLETE
    }

    final ChunkRecord record;
    final long openedAt;
    State state = State.FETCHING;
    /** Whether it is at the live edge: sent before anything older. */
    boolean live;

    int good;
    private Piece[] pieces;

    private Chunk(ChunkRecord record, boolean live, long now) {
        this.record = record;
        this.live = live;
        this.openedAt = now;
        this.pieces = new Piece[0];
    }

    static Chunk fetching(ChunkRecord record, boolean live, long now) {
        Chunk chunk = new Chunk(record, live, now);
        chunk.pieces = new Piece[record.pieceCount()];
        for (int i = 0; i < chunk.pieces.length; i++) {
            chunk.pieces[i] = new Piece(chunk, i);
        }
        return chunk;
    }

    static Chunk complete(ChunkRecord record, boolean live, long now) {
        Chunk chunk = new Chunk(record, live, now);
        chunk.complete();
        return chunk;
    }

    void complete() {
        state = State.COMPLETE;
        good = record.pieceCount();
        pieces = new Piece[0];
    }

    /** The pieces, while the chunk is not complete; empty then. */
    Piece[] pieces() {
        return pieces;
    }

    boolean contains(long piece) {
        return record.hasPiece(piece);
    }

    /** Whether a piece may be sent on. */
    boolean offers(long piece) {
        return state == State.COMPLETE
                || contains(piece) && pieces[(int) (piece - record.firstPiece())].state == Piece.State.GOOD;
    }
}
