"""A live stream without an encoder: TS segments as far as framing goes, which an origin plays round and round."""

import hashlib
import re
import urllib.error

TS_PACKET = 188
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--dht-port", "0", "--admin", "127.0.0.1:0", "--dht-private"]


def segment(seed, number, length):
    """Whole packets, at most `length` bytes; the payload never repeats, as video's does not."""
    length = length // TS_PACKET * TS_PACKET
    packets = bytearray(hashlib.shake_128(f"{seed}/{number}".encode()).digest(length))
    packets[::TS_PACKET] = bytes([0x47]) * (length // TS_PACKET)
    return bytes(packets)


def write(folder, seed, count, seconds, length):
    """A finished playlist of `count` segments for `origin --loop`; its path."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.ts").write_bytes(segment(seed, number, length))
    listed = "".join(f"#EXTINF:{seconds},\n{number}.ts\n" for number in range(count))
    target = max(1, round(seconds + 0.5))
    playlist = folder / "stream.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{target}\n{listed}#EXT-X-ENDLIST\n")
    return playlist


def listed(relay, key, playlist):
    """The paths of the chunks in a relay's live.m3u8 or replay.m3u8, oldest first, without gaps; none where it has no playlist yet."""
    try:
        text = relay.get(f"/live/{key}/0/{playlist}", "http").decode()
    except urllib.error.HTTPError as refusal:
        if refusal.code != 404:
            raise
        return []
    return [f"/live/{key}/0/{name}" for name in re.findall(r"(?<!#EXT-X-GAP\n)^(\d+\.ts)", text, re.MULTILINE)]
