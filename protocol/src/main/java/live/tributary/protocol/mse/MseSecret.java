package live.tributary.protocol.mse;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import live.tributary.protocol.stream.Digests;
import live.tributary.protocol.stream.InfoHash;

/** What both sides of an MSE handshake have in common after their keys are exchanged, and the hashes and ciphers that follow from it. */
public final class MseSecret {
    /** Length of each hash, bytes. */
    public static final int HASH_LENGTH = 20;

    private final byte[] bytes;

    MseSecret(byte[] bytes) {
        this.bytes = bytes;
    }

    /** {@code HASH("req1", S)}, by which the accepting side finds the end of the padding. */
    public byte[] sync() {
        return hash("req1").digest();
    }

    /** {@code HASH("req2", SKEY) xor HASH("req3", S)}: the torrent, for those who know it. */
    public byte[] cover(ObfuscatedHash torrent) {
        return xor(torrent.bytes());
    }

    /** The other way round: which torrent was covered. */
    public ObfuscatedHash uncover(byte[] covered) {
        return ObfuscatedHash.of(xor(covered));
    }

    /** The cipher of what the side that dialled sends. */
    public Rc4 fromDialler(InfoHash torrent) {
        return cipher("keyA", torrent);
    }

    /** The cipher of what the side that was dialled sends. */
    public Rc4 fromAcceptor(InfoHash torrent) {
        return cipher("keyB", torrent);
    }

    private Rc4 cipher(String tag, InfoHash torrent) {
        return new Rc4(hash(tag).digest(torrent.bytes()));
    }

    private byte[] xor(byte[] torrent) {
        if (torrent.length != HASH_LENGTH) {
            throw new IllegalArgumentException("hash: " + torrent.length + " bytes (expected: " + HASH_LENGTH + ")");
        }
        byte[] mixed = hash("req3").digest();
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] ^= torrent[i];
        }
        return mixed;
    }

    private MessageDigest hash(String tag) {
        MessageDigest sha1 = Digests.sha1();
        sha1.update(tag.getBytes(StandardCharsets.US_ASCII));
        sha1.update(bytes);
        return sha1;
    }
}
