package live.tributary.protocol.mse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class Rc4Test {
    private static final int LENGTH = 100_000;
    private final Random random = new Random(1);

    @Test
    void isWhatThePlatformCallsRc4WithoutItsFirstKilobyte() throws Exception {
        byte[] key = bytes(20);
        byte[] text = bytes(LENGTH);
        Cipher platform = Cipher.getInstance("RC4");
        platform.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "RC4"));
        platform.update(new byte[1024]);
        byte[] expected = platform.update(text);

        ByteBuf direct = Unpooled.directBuffer().writeBytes(text);
        ByteBuf copy = Unpooled.buffer();
        new Rc4(key).apply(direct, copy);
        new Rc4(key).apply(direct);
        byte[] inPlace = text.clone();
        Rc4 inParts = new Rc4(key);
        byte[] head = java.util.Arrays.copyOf(text, 1);
        inParts.apply(head);
        byte[] tail = java.util.Arrays.copyOfRange(text, 1, LENGTH);
        inParts.apply(tail);
        new Rc4(key).apply(inPlace);

        assertThat(inPlace).isEqualTo(expected);
        assertThat(array(direct)).isEqualTo(expected);
        assertThat(array(copy)).isEqualTo(expected);
        assertThat(array(Unpooled.wrappedBuffer(head, tail))).isEqualTo(expected);
    }

    @Test
    void refusesKeysOfNoLengthAndOfTooMuch() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Rc4(new byte[0]));
        assertThatIllegalArgumentException().isThrownBy(() -> new Rc4(new byte[257]));
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] array(ByteBuf bytes) {
        byte[] array = new byte[bytes.readableBytes()];
        bytes.readBytes(array).release();
        return array;
    }
}
