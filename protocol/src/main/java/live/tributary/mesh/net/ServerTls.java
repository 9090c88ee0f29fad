package live.tributary.mesh.net;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The TLS of a port, from a certificate chain and its private key in PEM files. */
public final class ServerTls {
    private static final int MAX_FILE = 1024 * 1024;
    private static final Pattern FIRST_CERTIFICATE = block("CERTIFICATE");
    private static final Pattern PRIVATE_KEY = block("PRIVATE KEY");
    private static final byte[] ANYTHING = {1, 2, 3};

    private ServerTls() {}

    /**
     * Reads both files.
     *
     * @throws IOException naming the files, where they cannot be read or do not belong together
     */
    public static SslContext of(Path certificate, Path key) throws IOException {
        try {
            byte[] chain = read(certificate);
            byte[] secret = read(key);
            SslContext tls = SslContextBuilder.forServer(
                            new ByteArrayInputStream(chain), new ByteArrayInputStream(secret))
                    .build();
            checkPair(first(FIRST_CERTIFICATE, chain), first(PRIVATE_KEY, secret));
            return tls;
        } catch (IllegalArgumentException | GeneralSecurityException | IOException e) {
            throw new IOException(
                    certificate + ", " + key + ": " + e.getMessage()
                            + " (expected: a certificate chain and its PKCS #8 key, both PEM)",
                    e);
        }
    }

    private static byte[] read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_FILE + 1);
            if (bytes.length > MAX_FILE) {
                throw new IOException(file + " is longer than 1 MiB");
            }
            return bytes;
        }
    }

    private static Pattern block(String what) {
        return Pattern.compile("-----BEGIN " + what + "-----([^-]+)-----END " + what + "-----");
    }

    private static byte[] first(Pattern block, byte[] pem) throws IOException {
        Matcher matcher = block.matcher(new String(pem, StandardCharsets.ISO_8859_1));
        if (!matcher.find()) {
            throw new IOException("nothing between " + block);
        }
        return Base64.getMimeDecoder().decode(matcher.group(1));
    }

    /** A key of another certificate starts as well as the right one, and then fails every handshake. */
    private static void checkPair(byte[] certificate, byte[] key) throws GeneralSecurityException {
        PublicKey named = CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(certificate))
                .getPublicKey();
        PrivateKey secret = KeyFactory.getInstance(named.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(key));
        Signature signature = Signature.getInstance(
                switch (named.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> named.getAlgorithm();
                });
        signature.initSign(secret);
        signature.update(ANYTHING);
        byte[] signed = signature.sign();
        signature.initVerify(named);
        signature.update(ANYTHING);
        if (!signature.verify(signed)) {
            throw new GeneralSecurityException("the key is another certificate's");
        }
    }
}
