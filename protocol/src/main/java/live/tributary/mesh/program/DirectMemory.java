package live.tributary.mesh.program;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;

/**
 * What this virtual machine may take outside its heap for buffers: {@code -XX:MaxDirectMemorySize}, else as much as its heap may be.
 *
 * <p>Chunks in memory and all that is read from and written to sockets come out of it; where it is used up, links and answers fail.
 */
public final class DirectMemory {
    private static final String OPTION = "MaxDirectMemorySize";

    private DirectMemory() {}

    /** Bytes. */
    public static long limit() {
        long set = Long.parseLong(ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                .getVMOption(OPTION)
                .getValue());
        return set > 0 ? set : Runtime.getRuntime().maxMemory();
    }

    /** The most of it that chunks may take; the rest is the network's. */
    public static long forChunks() {
        return limit() / 2;
    }
}
