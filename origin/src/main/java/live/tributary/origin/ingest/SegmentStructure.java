package live.tributary.origin.ingest;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Sha256;

/** Tells whether a segment's bytes are whole, by the structure of their container, and packs them as a chunk. */
final class SegmentStructure {
    private static final int TS_PACKET = 188;
    private static final int TS_SYNC = 0x47;
    private static final int BOX_HEADER = 8;
    private static final int LARGE_BOX_HEADER = 16;

    private SegmentStructure() {}

    /** What successive chunks must share to go on without a break. */
    record Kind(Container container, Optional<Sha256> init) {}

    /** A chunk's bytes: a TS segment as it is, or an MP4 init with its fragment behind it. */
    record Packed(Kind kind, int initLength, byte[] bytes) {}

    /**
     * @param init the bytes of the segment's EXT-X-MAP; empty where it has none
     * @throws FormatException if the bytes are not whole, not of a known container, or larger than a chunk may be
     */
    static Packed pack(Optional<byte[]> init, byte[] segment) throws FormatException {
        byte[] head = init.orElse(new byte[0]);
        long length = (long) head.length + segment.length;
        if (segment.length == 0 || length > ChunkRecord.MAX_CHUNK) {
            throw new FormatException(
                    "segment: " + length + " bytes (expected: 1.." + ChunkRecord.MAX_CHUNK + " with its init)");
        }
        byte[] bytes = ByteBuffer.allocate((int) length).put(head).put(segment).array();
        if (isPackedAudio(bytes)) {
            throw new FormatException("segment: packed audio (expected: TS, or fMP4; let the encoder wrap its audio)");
        }
        if ((bytes[0] & 0xff) == TS_SYNC) {
            requirePackets(bytes);
            return new Packed(new Kind(Container.TS, Optional.empty()), 0, bytes);
        }
        int initLength = initLength(bytes);
        if (head.length > 0 && initLength != head.length) {
            throw new FormatException(
                    "init: " + head.length + " bytes (expected: " + initLength + ", to its moov's end)");
        }
        return new Packed(
                new Kind(Container.MP4, Optional.of(Sha256.ofContent(java.util.Arrays.copyOf(bytes, initLength)))),
                initLength,
                bytes);
    }

    /** RFC 8216, 3.4: AAC, AC-3 or MP3 frames, behind an ID3 tag or without it. */
    private static boolean isPackedAudio(byte[] bytes) {
        boolean id3 = bytes.length > 2 && bytes[0] == 'I' && bytes[1] == 'D' && bytes[2] == '3';
        boolean frames = bytes.length > 1 && (bytes[0] & 0xff) == 0xff && (bytes[1] & 0xe0) == 0xe0;
        return id3 || frames;
    }

    private static void requirePackets(byte[] bytes) throws FormatException {
        if (bytes.length % TS_PACKET != 0) {
            throw new FormatException("TS: " + bytes.length + " bytes (expected: a multiple of 188)");
        }
        for (int at = 0; at < bytes.length; at += TS_PACKET) {
            if ((bytes[at] & 0xff) != TS_SYNC) {
                throw new FormatException("TS: no sync byte at " + at + " (expected: 0x47)");
            }
        }
    }

    /** ISO 14496-12: boxes follow one another to the end; the init ends where the moov does, and a fragment follows. */
    private static int initLength(byte[] bytes) throws FormatException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Set<String> behind = new HashSet<>();
        int initLength = 0;
        int at = 0;
        while (at < bytes.length) {
            long size = boxSize(buffer, at);
            if (size > bytes.length - at) {
                throw new FormatException("MP4: box of " + size + " bytes at " + at + " of " + bytes.length
                        + " (expected: boxes that end with the segment)");
            }
            String type = new String(bytes, at + 4, 4, java.nio.charset.StandardCharsets.ISO_8859_1);
            at += (int) size;
            if (type.equals("moov")) {
                initLength = at;
                behind.clear();
            } else {
                behind.add(type);
            }
        }
        if (initLength == 0 || !behind.contains("moof") || !behind.contains("mdat")) {
            throw new FormatException(
                    initLength == 0 && behind.contains("moof")
                            ? "segment: a fragment without its init (expected: an EXT-X-MAP that names one)"
                            : "segment: neither TS nor MP4 with moov, moof and mdat");
        }
        return initLength;
    }

    private static long boxSize(ByteBuffer buffer, int at) throws FormatException {
        int left = buffer.limit() - at;
        long size = left < BOX_HEADER ? 0 : Integer.toUnsignedLong(buffer.getInt(at));
        if (size == 1 && left >= LARGE_BOX_HEADER) {
            size = buffer.getLong(at + BOX_HEADER);
            if (size < LARGE_BOX_HEADER) {
                throw new FormatException("MP4: large box of " + size + " bytes at " + at + " (expected: >= 16)");
            }
        }
        if (size < BOX_HEADER) { // 0 means "to the end of the file": a file that is whole or not, nobody can say.
            throw new FormatException("MP4: box of " + size + " bytes at " + at + " (expected: >= 8)");
        }
        return size;
    }
}
