package live.tributary.protocol.mse;

import io.netty.buffer.ByteBuf;

/** RC4 in one direction of a connection, past the first 1,024 bytes of its key stream, which MSE throws away. Not thread-safe. */
public final class Rc4 {
    private static final int STATES = 256;
    private static final int MASK = 0xff;
    private static final int DISCARDED = 1024;
    /** Bytes that are crossed over to the heap at a time: a block and its header. */
    private static final int AT_ONCE = 16 * 1024 + 16;

    private static final ThreadLocal<byte[]> SCRATCH = ThreadLocal.withInitial(() -> new byte[AT_ONCE]);

    private final byte[] state = new byte[STATES];
    private int i;
    private int j;

    public Rc4(byte[] key) {
        if (key.length == 0 || key.length > STATES) {
            throw new IllegalArgumentException("key: " + key.length + " bytes (expected: 1.." + STATES + ")");
        }
        for (int at = 0; at < STATES; at++) {
            state[at] = (byte) at;
        }
        int mixed = 0;
        for (int at = 0; at < STATES; at++) {
            mixed = mixed + state[at] + key[at % key.length] & MASK;
            swap(at, mixed);
        }
        apply(new byte[DISCARDED]);
    }

    /** Encrypts, or decrypts, in place. */
    public void apply(byte[] bytes) {
        apply(bytes, bytes.length);
    }

    /** Encrypts, or decrypts, the readable bytes of a buffer in place; its indices stay. */
    public void apply(ByteBuf bytes) {
        byte[] scratch = SCRATCH.get();
        for (int at = bytes.readerIndex(); at < bytes.writerIndex(); at += scratch.length) {
            int length = Math.min(scratch.length, bytes.writerIndex() - at);
            bytes.getBytes(at, scratch, 0, length);
            apply(scratch, length);
            bytes.setBytes(at, scratch, 0, length);
        }
    }

    /** Writes what the readable bytes of {@code from} become to the end of {@code to}; {@code from} stays as it was. */
    public void apply(ByteBuf from, ByteBuf to) {
        byte[] scratch = SCRATCH.get();
        for (int at = from.readerIndex(); at < from.writerIndex(); at += scratch.length) {
            int length = Math.min(scratch.length, from.writerIndex() - at);
            from.getBytes(at, scratch, 0, length);
            apply(scratch, length);
            to.writeBytes(scratch, 0, length);
        }
    }

    private void apply(byte[] bytes, int length) {
        byte[] s = state;
        int a = i;
        int b = j;
        for (int at = 0; at < length; at++) {
            a = a + 1 & MASK;
            int x = s[a];
            b = b + x & MASK;
            int y = s[b];
            s[a] = (byte) y;
            s[b] = (byte) x;
            bytes[at] ^= s[x + y & MASK];
        }
        i = a;
        j = b;
    }

    private void swap(int a, int b) {
        byte kept = state[a];
        state[a] = state[b];
        state[b] = kept;
    }
}
