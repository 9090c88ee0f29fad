package live.tributary.origin.owncast;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;
import live.tributary.mesh.program.Disk;

/** The secret part of the webhook's path: made once, and made anew where its file holds anything else. */
public final class HookToken {
    private static final int LENGTH = 16;
    private static final int MAX_FILE = 2 * LENGTH + 2;
    private static final Pattern TEXT = Pattern.compile("[0-9a-f]{" + 2 * LENGTH + "}");

    private HookToken() {}

    public static String readOrCreate(Path file, SecureRandom random) throws IOException {
        String kept = read(file);
        if (TEXT.matcher(kept).matches()) {
            return kept;
        }
        byte[] bytes = new byte[LENGTH];
        random.nextBytes(bytes);
        String token = HexFormat.of().formatHex(bytes);
        Disk.REAL.replace(file, token.getBytes(StandardCharsets.US_ASCII));
        return token;
    }

    private static String read(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_FILE), StandardCharsets.ISO_8859_1).strip();
        } catch (NoSuchFileException e) {
            return "";
        }
    }
}
