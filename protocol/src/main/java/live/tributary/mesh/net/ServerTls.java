package live.tributary.mesh.net;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The TLS of a port, from a certificate chain and its private key in PEM files. */
public final class ServerTls {
    private ServerTls() {}

    /**
     * Reads both files.
     *
     * @throws IOException naming the files, where they cannot be read or do not belong together
     */
    public static SslContext of(Path certificate, Path key) throws IOException {
        try (InputStream chain = Files.newInputStream(certificate);
                InputStream secret = Files.newInputStream(key)) {
            return SslContextBuilder.forServer(chain, secret).build();
        } catch (IllegalArgumentException | IOException e) {
            throw new IOException(
                    certificate + ", " + key + ": " + e.getMessage()
                            + " (expected: a certificate chain and its PKCS #8 key, both PEM)",
                    e);
        }
    }
}
