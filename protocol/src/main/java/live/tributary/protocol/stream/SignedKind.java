package live.tributary.protocol.stream;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** What a signature is for; part of the signed bytes, so that no signature can serve as another. */
public enum SignedKind {
    RECORD,
    ABOUT,
    DESCRIPTOR,
    HELLO,
    STORED,
    PUT,
    SUCCESSOR,
    REVOKED,
    NOTIFY;

    /** {@code "tributary/1/" kind 0x00} followed by the body. */
    public byte[] message(byte[] body) {
        byte[] tag = ("tributary/1/" + name().toLowerCase(Locale.ROOT) + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] message = new byte[tag.length + body.length];
        System.arraycopy(tag, 0, message, 0, tag.length);
        System.arraycopy(body, 0, message, tag.length, body.length);
        return message;
    }
}
