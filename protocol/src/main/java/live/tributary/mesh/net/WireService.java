package live.tributary.mesh.net;

import io.netty.channel.ChannelHandlerContext;
import live.tributary.protocol.wire.Handshake;

/** Answers peer-wire connections on the infohashes that it knows: the links of the mesh, or the torrents for clients. */
public interface WireService {
    /**
     * Takes an inbound connection over by answering its handshake and adding its own handlers behind {@code context}'s.
     *
     * @return false where the infohash is not one of this service's; nothing was sent then
     */
    boolean take(ChannelHandlerContext context, Handshake theirs);
}
