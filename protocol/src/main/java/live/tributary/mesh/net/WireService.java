package live.tributary.mesh.net;

import io.netty.channel.ChannelHandlerContext;
import java.util.Optional;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.InfoHash;
import live.tributary.protocol.wire.Handshake;

/** Answers peer-wire connections on the infohashes that it knows: the links of the mesh, or the torrents for clients. */
public interface WireService {
    /**
     * Takes an inbound connection over by answering its handshake and adding its own handlers behind {@code context}'s.
     *
     * @return false where the infohash is not one of this service's; nothing was sent then
     */
    boolean take(ChannelHandlerContext context, Handshake theirs);

    /** The infohash of this service's behind what an encrypted handshake names; none where it answers plain ones alone. */
    default Optional<InfoHash> infoHash(ObfuscatedHash obfuscated) {
        return Optional.empty();
    }
}
