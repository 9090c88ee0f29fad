package live.tributary.protocol.wire;

import io.netty.handler.codec.DecoderException;

/** Bytes that break the peer wire protocol or a limit of it; the connection that they came by is closed. */
public final class WireException extends DecoderException {
    private static final long serialVersionUID = 1;

    public WireException(String message) {
        super(message);
    }

    public WireException(String message, Throwable cause) {
        super(message, cause);
    }
}
