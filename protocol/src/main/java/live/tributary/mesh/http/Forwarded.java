package live.tributary.mesh.http;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/**
 * Who asks through a reverse proxy on this machine, for allowances alone: no address that is only told is ever given to others.
 *
 * <p>A proxy appends the address that it saw to X-Forwarded-For, so the last one counts, and only where the connection comes from
 * this machine. Where the proxy passes on what strangers wrote there, they can choose whose allowance they use up.
 */
public final class Forwarded {
    private static final String FORWARDED_FOR = "x-forwarded-for";

    private Forwarded() {}

    /** The address that asks; the connection's own where nothing better is known. */
    public static InetAddress client(InetAddress remote, HttpHeaders headers) {
        if (!remote.isLoopbackAddress()) {
            return remote;
        }
        List<String> told = headers.getAll(FORWARDED_FOR);
        if (told.isEmpty()) {
            return remote;
        }
        String last = told.get(told.size() - 1);
        byte[] raw = NetUtil.createByteArrayFromIpAddressString(
                last.substring(last.lastIndexOf(',') + 1).strip());
        try {
            return raw == null ? remote : InetAddress.getByAddress(raw);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // Four bytes or sixteen.
        }
    }
}
