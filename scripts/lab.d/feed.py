"""A real HLS feed at a known pace: segments made by ffmpeg beforehand, then written into a folder as an encoder does, on time.

Made beforehand, so that encoding takes no CPU from what is measured, and so that the moment of each segment is known.
"""

import itertools
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

LISTED = 10
KEPT = 20
_EXTINF = re.compile(r"#EXTINF:([\d.]+),[^\n]*\n([^#\n]+)")


@dataclass(frozen=True)
class Segment:
    """A segment in the feed's folder: `written` is the time.time() at which it was whole, just before it was listed."""

    name: str
    seconds: float
    length: int
    written: float
    discontinuity: bool


def encoded(folder, bits_per_second, segment_seconds, count):
    """A folder with at least `count` segments of this rate, kept for the next time."""
    made = Path(folder) / f"feed-{bits_per_second}-{segment_seconds}s-{count}"
    if (made / "stream.m3u8").exists():
        return made
    shutil.rmtree(made, ignore_errors=True)
    being_made = made.with_suffix(".part")
    shutil.rmtree(being_made, ignore_errors=True)
    being_made.mkdir(parents=True)
    audio = 64_000
    video = int(bits_per_second * 0.965) - audio  # the rest is the transport stream's own
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"]
        + ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", str(segment_seconds * count)]
        + ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", "nal-hrd=cbr:scenecut=0"]
        + ["-b:v", str(video), "-minrate", str(video), "-maxrate", str(video), "-bufsize", str(video)]
        + ["-g", str(25 * segment_seconds), "-keyint_min", str(25 * segment_seconds), "-c:a", "aac", "-b:a", str(audio)]
        + ["-f", "hls", "-hls_time", str(segment_seconds), "-hls_list_size", "0"]
        + ["-hls_segment_filename", str(being_made / "made-%d.ts"), str(being_made / "stream.m3u8")],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    being_made.rename(made)
    return made


class Feed:
    """Plays a finished folder into `folder` as live, in a thread: a segment each time its predecessor's duration has passed."""

    def __init__(self, source, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.segments = []
        self._source = source
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._play, name="feed", daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    def _play(self):
        listed = _EXTINF.findall((self._source / "stream.m3u8").read_text())
        next_at = time.monotonic()
        for number in itertools.count():
            seconds, original = float(listed[number % len(listed)][0]), listed[number % len(listed)][1]
            next_at += seconds
            if self._stopped.wait(max(0.0, next_at - time.monotonic())):
                return
            name = f"live-{number}.ts"
            shutil.copyfile(self._source / original, self.folder / name)
            length = (self.folder / name).stat().st_size
            wraps = number > 0 and number % len(listed) == 0
            self.segments.append(Segment(name, seconds, length, time.time(), wraps))
            self._write_playlist()
            if number >= KEPT:
                (self.folder / f"live-{number - KEPT}.ts").unlink(missing_ok=True)

    def _write_playlist(self):
        shown = self.segments[-LISTED:]
        first = len(self.segments) - len(shown)
        longest = max(round(segment.seconds) for segment in shown)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{longest}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        gone = sum(segment.discontinuity for segment in self.segments[:first])
        if gone:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{gone}")
        for segment in shown:
            if segment.discontinuity:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += [f"#EXTINF:{segment.seconds:.6f},", segment.name]
        part = self.folder / "stream.m3u8.part"
        part.write_text("\n".join(lines) + "\n")
        part.rename(self.folder / "stream.m3u8")
