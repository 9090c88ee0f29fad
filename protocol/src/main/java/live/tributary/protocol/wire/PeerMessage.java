package live.tributary.protocol.wire;

import io.netty.buffer.ByteBuf;

/**
 * A message of the peer wire behind its four-byte length (BEP 3, 6, 10).
 *
 * <p>Piece numbers are unsigned 32-bit and held in a long: on a stream's mesh infohash they run on through the whole stream,
 * in a torrent they count from 0.
 */
public sealed interface PeerMessage {
    /** The unit of a request, bytes. */
    int BLOCK_LENGTH = 16 * 1024;

    /** A block's address: bytes {@code begin}.. of {@code piece}. */
    record Block(long piece, int begin, int length) {}

    record KeepAlive() implements PeerMessage {}

    record Choke() implements PeerMessage {}

    record Unchoke() implements PeerMessage {}

    record Interested() implements PeerMessage {}

    record NotInterested() implements PeerMessage {}

    record Have(long piece) implements PeerMessage {}

    /** BEP 3: one bit a piece, the first in the highest bit of the first byte. */
    record Bitfield(byte[] bits) implements PeerMessage {}

    record Request(Block block) implements PeerMessage {}

    /** A block's bytes. Who takes it out of the pipeline releases {@code data}. */
    record Piece(long piece, int begin, ByteBuf data) implements PeerMessage {}

    record Cancel(Block block) implements PeerMessage {}

    /** BEP 5: the UDP port of the peer's DHT node. */
    record Port(int port) implements PeerMessage {}

    /** BEP 6. */
    record Suggest(long piece) implements PeerMessage {}

    /** BEP 6. */
    record HaveAll() implements PeerMessage {}

    /** BEP 6. */
    record HaveNone() implements PeerMessage {}

    /** BEP 6. */
    record Reject(Block block) implements PeerMessage {}

    /** BEP 6. */
    record AllowedFast(long piece) implements PeerMessage {}

    /** BEP 10: {@code id} 0 is the extended handshake, others are as the receiver named them there. */
    record Extended(int id, byte[] payload) implements PeerMessage {}

    /** A message whose id is none of these; BEP 3 clients ignore it. */
    record Unknown(int id) implements PeerMessage {}
}
