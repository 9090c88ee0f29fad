package live.tributary.mesh.mse;

import java.time.Duration;

/** What MSE allows, and what this node does. */
final class MseLimits {
    /** The longest padding behind a public key, and within the enciphered part, bytes. */
    static final int PADDING = 512;
    /** The longest first payload (IA) that is taken, bytes; clients send a handshake of 68, the format has room for 65,535. */
    static final int INITIAL = 16 * 1024;
    /** What a whole encrypted handshake may take. */
    static final Duration HANDSHAKE = Duration.ofSeconds(10);

    /** Eight zero bytes (VC) stand before what each side enciphers. */
    static final int VERIFICATION = 8;

    static final int PLAINTEXT = 1;
    static final int RC4 = 2;

    private MseLimits() {}
}
