package live.tributary.mesh.net;

import io.netty.buffer.ByteBuf;
import java.util.List;
import live.tributary.protocol.stream.RelayDescriptor;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/** What a {@link Link} tells the stream that it belongs to, on the stream's thread. */
interface LinkEvents {
    /** The other end proved its key; false where the link is not wanted, which then closes it. */
    boolean proven(Link link);

    /** A message of the wire but PIECE and extended ones, from a proven link. */
    void received(Link link, PeerMessage message);

    /** A message of {@code tb_live} but hello, its answer and relays, from a proven link. */
    void received(Link link, LiveMessage message);

    /** A block; {@code data} belongs to the link. */
    void received(Link link, PeerMessage.Block block, ByteBuf data);

    void received(Link link, List<RelayDescriptor> relays);

    /** A message without payload leaves, of so many bytes. */
    void wrote(Link link, int bytes);

    void blockSent(Link link, PeerMessage.Block block);

    /** A queued block is not sent: its bytes were dropped meanwhile, and the other end was told. */
    void blockGone(Link link, PeerMessage.Block block);

    /** The link broke the protocol: its bytes are not what they must be. */
    void broke(Link link, boolean oversized, String how);

    /** The link is no more, whatever the reason; told once. */
    void closed(Link link);
}
