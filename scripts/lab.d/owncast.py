"""A feed as Owncast makes it: ffmpeg in real time, a folder for each variant, segments written in place and later deleted."""

import hashlib
import re
import secrets
import subprocess
import threading
from pathlib import Path

from wire import die_with_parent

VARIANTS = 2
FRAMES_PER_SECOND = 25
SEGMENT_SECONDS = 2
LONGEST_SECONDS = 1800
POLL_SECONDS = 0.3


class OwncastFeed:
    """Runs until stopped; remembers the digest of every segment that was ever listed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.digests = {}  # SHA-1 → (variant, name)
        for variant in range(VARIANTS):
            (self.folder / str(variant)).mkdir(parents=True)
        self._encoder = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._remember_listed, name="feed", daemon=True)
        self._thread.start()

    def _command(self):
        run = secrets.token_hex(4)  # Owncast names segments anew in each run
        return (
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-re"]
            + ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FRAMES_PER_SECOND}"]
            + ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", str(LONGEST_SECONDS)]
            + ["-filter_complex", "[0:v]split=2[large][to-scale];[to-scale]scale=160:90[small]"]
            + ["-map", "[large]", "-map", "1:a", "-map", "[small]", "-map", "1:a"]
            + ["-c:v", "libx264", "-preset", "ultrafast", "-b:v:0", "800k", "-b:v:1", "200k", "-pix_fmt", "yuv420p"]
            + ["-g", str(SEGMENT_SECONDS * FRAMES_PER_SECOND), "-keyint_min", str(SEGMENT_SECONDS * FRAMES_PER_SECOND)]
            + ["-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k"]
            + ["-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "10", "-hls_delete_threshold", "10"]
            + ["-hls_flags", "delete_segments+program_date_time+omit_endlist"]
            + ["-master_pl_name", "stream.m3u8", "-var_stream_map", "v:0,a:0 v:1,a:1"]
            + ["-hls_segment_filename", f"{self.folder}/%v/stream-{run}-%d.ts", f"{self.folder}/%v/stream.m3u8"]
        )

    def _remember_listed(self):
        seen = set()
        while not self._stopped.wait(POLL_SECONDS):
            for variant in range(VARIANTS):
                playlist = self.folder / str(variant) / "stream.m3u8"
                listed = re.findall(r"^stream-.*\.ts$", playlist.read_text(), re.MULTILINE) if playlist.exists() else []
                for name in listed:
                    if (variant, name) not in seen:
                        seen.add((variant, name))
                        self.digests[sha1(playlist.with_name(name))] = (variant, name)

    def equal_and_other(self, folder):
        """How many of the .ts files under a folder are segments of this feed, byte for byte, and how many are not."""
        known = [sha1(file) in self.digests for file in Path(folder).rglob("*.ts")]
        return sum(known), len(known) - sum(known)

    def stop(self):
        self._stopped.set()
        self._thread.join()
        self._encoder.kill()
        self._encoder.wait()


def sha1(file):
    return hashlib.sha1(Path(file).read_bytes()).hexdigest()
