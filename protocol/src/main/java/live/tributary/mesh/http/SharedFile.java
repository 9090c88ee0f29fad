package live.tributary.mesh.http;

import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;
import java.io.IOException;
import java.nio.channels.FileChannel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A part of a file that the kernel sends without a copy, to several connections at a time; closed when the last has let go. */
public final class SharedFile extends AbstractReferenceCounted {
    private static final Logger LOG = LoggerFactory.getLogger(SharedFile.class);

    private final FileChannel channel;
    private final long start;
    private final int length;

    /** Takes {@code channel} over: {@code length} bytes from {@code start}. */
    public SharedFile(FileChannel channel, long start, int length) {
        this.channel = channel;
        this.start = start;
        this.length = length;
    }

    /** Bytes of the part, ready to be written to a channel, which then lets go of them. */
    FileRegion region(int from, int count) {
        if (from < 0 || count < 0 || from > length - count) {
            throw new IndexOutOfBoundsException("region: " + from + "+" + count + " (expected: within " + length + ")");
        }
        retain();
        return new Region(from, count);
    }

    @Override
    public SharedFile retain() {
        super.retain();
        return this;
    }

    @Override
    public ReferenceCounted touch(Object hint) {
        return this;
    }

    @Override
    protected void deallocate() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.warn("a file that was sent from cannot be closed: {}", e.getMessage());
        }
    }

    private final class Region extends DefaultFileRegion {
        Region(int from, int count) {
            super(channel, start + from, count);
        }

        @Override
        protected void deallocate() { // The file is not this region's alone.
            SharedFile.this.release();
        }
    }
}
