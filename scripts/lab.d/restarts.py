"""Players on a relay while everything before it restarts: the encoder, Owncast, the origin (stopped, and killed). Every frame that was
published must be shown, and a player may wait only for what does not exist yet."""

import argparse
import math
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from npm import installed
from players import HlsJs
from program import Program
from replica import Encoder, Replica
from trial import trial

SCRIPTS = Path(__file__).resolve().parent / "gateway"
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
SEGMENT_SECONDS = 2
FRAMES_PER_SECOND = 25
VARIANTS = ((320, "300k"),)
BEFORE_EACH = 14
LIVE_SECONDS = 60
END_SECONDS = 150
SEEN_SECONDS = SEGMENT_SECONDS / 2  # hls.js looks at a list that did not change once in half a target duration
NOTICE_SECONDS = 15  # what is gone shows as a wait once the buffer is empty
CHROMIUM = "/usr/bin/chromium"


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab restarts", description=__doc__)
    parser.add_argument("--kind", choices=["ts", "m4s"], action="append", help="the feed's segments (both, one after the other)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()
    tools, missing = installed(SCRIPTS, "gateway")
    if missing:
        print(f"scripts/lab restarts: {missing}", file=sys.stderr)
        sys.exit(3)

    def played(kind):
        def work(report, folder, programs):
            setting = Setting(folder, programs, kind, tools, random.Random(options.seed))
            try:
                setting.play(report)
            finally:
                setting.stop()

        return work

    trial("restarts", options.keep, *map(played, options.kind or ["ts", "m4s"]))


class Setting:
    """A replica of Owncast, an origin, a relay, and players."""

    def __init__(self, folder, programs, kind, tools, dice):
        self.folder, self.programs, self.kind, self.tools = folder, programs, kind, tools
        self.encoders = []
        self.replica = Replica(folder / "hls", dice, SEGMENT_SECONDS, 15, 300, VARIANTS, FRAMES_PER_SECOND, folder / "ffmpeg.log", kind=kind)
        self.port = "0"
        self.origin = self.start_origin()
        self.key, self.port = self.origin.ready["id"], self.origin.ready["tcp"].rsplit(":", 1)[1]
        self.programs.append(Program("relay", "relay", ["--stream", self.key, "--peer", self.origin.ready["tcp"], "--no-port-mapping", *LOOPBACK], folder))
        self.relay = self.programs[-1].await_ready()
        self.waits = []  # (from, to) in which there was no feed, time.monotonic()
        self.gone = []  # (from, to) in which there was no origin that published
        self.url = f"http://{self.relay.ready['http']}/live/{self.key}/0/live.m3u8"

    def start_origin(self):
        arguments = ["--hls", str(self.folder / "hls"), "--name", "Restarts", *LOOPBACK]
        arguments[arguments.index("--port") + 1] = self.port
        self.programs.append(Program("origin", "origin", arguments, self.folder))
        return self.programs[-1].await_ready()

    def listed(self):
        try:
            text = self.relay.get(f"/live/{self.key}/0/live.m3u8", "http").decode()
        except OSError:
            return []
        return [int(seq) for seq in re.findall(r"^(\d+)\.(?:ts|mp4)$", text, re.MULTILINE)]

    def await_newer(self, than):
        end = time.monotonic() + LIVE_SECONDS
        while time.monotonic() < end:
            if max(self.listed(), default=0) > than:
                return True
            time.sleep(0.1)
        return False

    def encode(self):
        """An encoder connects; one that comes before the transcoder listens comes again, as OBS does."""
        end = time.monotonic() + LIVE_SECONDS
        self.encoders.append(Encoder(self.replica.rtmp, 1, "320x180", FRAMES_PER_SECOND))
        while not self.replica.online and time.monotonic() < end:
            time.sleep(0.1)
            if not self.encoders[-1].running():
                self.encoders[-1] = Encoder(self.replica.rtmp, 1, "320x180", FRAMES_PER_SECOND)

    # --- what restarts

    def the_encoder_reconnects(self):
        self._without_feed(lambda: self.encoders[-1].stop())

    def the_encoder_is_killed(self):
        self._without_feed(lambda: self.encoders[-1].kill())

    def the_transcoder_is_killed(self):
        self._without_feed(self.replica.crash)

    def owncast_restarts(self):
        self._without_feed(self._wipe)

    def _wipe(self):
        self.encoders[-1].kill()
        time.sleep(SEGMENT_SECONDS)  # What was finished is taken; then the folder is emptied.
        self.replica.restart()

    def _without_feed(self, end):
        began, newest = time.monotonic(), max(self.listed())
        end()
        self.encoders[-1].kill() if self.encoders[-1].running() else None
        while self.replica.online:
            time.sleep(0.05)
        self.encode()
        came = self.await_newer(newest + 1)  # One more may have been on its way.
        self.waits.append((began, time.monotonic()))
        return came

    def the_origin_is_killed(self):
        self._without_origin(lambda: self.origin.kill())

    def the_origin_restarts(self):
        self._without_origin(lambda: self.origin.stop())

    def _without_origin(self, end):
        began, newest = time.monotonic(), max(self.listed())
        end()
        self.origin = self.start_origin()
        self.await_newer(newest)
        self.gone.append((began, time.monotonic()))

    # --- players

    def play(self, report):
        self.encode()
        if not report.check(f"{self.kind}: the relay lists the feed", self.await_newer(0) and self.await_newer(min(self.listed()) + 2)):
            return
        events = [
            self.the_origin_is_killed, self.the_encoder_reconnects, self.the_origin_is_killed, self.the_transcoder_is_killed,
            self.owncast_restarts, self.the_encoder_is_killed, self.the_origin_restarts,
        ]
        seconds = len(events) * (BEFORE_EACH + 12)
        ffmpeg = Ffmpeg(self.url, self.folder)
        began = time.monotonic()
        browser = HlsJs(self.url, seconds, self.tools, LIVE_SECONDS)
        for event in events:
            time.sleep(BEFORE_EACH)  # the run's own pace: nothing is waited for
            event()
        time.sleep(max(BEFORE_EACH, began + seconds + 5 - time.monotonic()))
        seen = browser.result()
        self._judge_browser(report, seen, len(events))
        self.encoders[-1].stop()  # A minute later the stream has ended.
        self._judge_ffmpeg(report, *ffmpeg.result(), len(events))

    def _judge_ffmpeg(self, report, status, seqs, frames, said, events):
        gapless = bool(seqs) and seqs == list(range(seqs[0], seqs[-1] + 1))
        published = sum(self._frames(seq) for seq in seqs)
        expected = published if self.kind == "ts" else min(published, self._shown_of_files(seqs))
        dropped = published - expected
        report.check(f"{self.kind}: what ffmpeg shows of plain files lacks a fragment for each break at most", dropped <= len(self.waits) * SEGMENT_SECONDS * FRAMES_PER_SECOND, f"{dropped} frames")
        good = status == 0 and gapless and frames >= expected - 1
        detail = f"{frames} of {published} frames in {len(seqs)} chunks, {len(self.waits)} breaks of the feed"
        if self.kind == "m4s":
            detail += f"; of the same inits and fragments as plain files, listed by hand, it shows {expected}"
        report.check(f"{self.kind}: ffmpeg shows every frame through {events} restarts", good, detail if good else f"{detail}, exit {status}, gapless {gapless}, {said}")

    def _judge_browser(self, report, seen, events):
        chunks = sorted(set(seen["chunks"]))
        gapless = bool(chunks) and chunks == list(range(chunks[0], chunks[-1] + 1))
        away, gone = ([round(end - begin, 1) for begin, end in times] for times in (self.waits, self.gone))
        held = [[self._held(begin, seen) for begin, _ in times] for times in (self.waits, self.gone)]
        unexplained = [stall for stall in seen["stalls"] if not self._explained(stall, seen)]
        detail = f"{seen['played']} s in {seen['wall']} s, {len(chunks)} chunks, {seen.get('frames')} frames, {seen.get('dropped')} dropped, waits {[stall['ms'] for stall in seen['stalls']]} ms, feed away {away} s with {held[0]} s held, origin away {gone} s with {held[1]} s held, errors {sorted(set(seen.get('errors', [])))}"
        to_the_end = seen["played"] >= 0.95 * (seen["wall"] - sum(stall["ms"] for stall in seen["stalls"]) / 1000)
        report.check(f"{self.kind}: hls.js plays through {events} restarts", not seen["fatal"] and gapless and to_the_end, detail + (f", FATAL {seen['fatal']}" if seen["fatal"] else "") + ("" if gapless else f", {chunks}"))
        report.check(f"{self.kind}: and waits only where feed or origin are away for longer than it holds", not unexplained, f"{unexplained or 'none else'}")

    def _explained(self, stall, seen):
        """Whether what the player held when something went away, less the time until it looks again, was not enough until its return.
        A break of the feed takes its length off what is held, and nothing but a wait gives it back, so it is measured, not reckoned."""
        waited = self._monotonic(seen, stall["until"] - stall["ms"])
        return any(
            begin <= waited <= end + NOTICE_SECONDS and end - begin > self._held(begin, seen) - SEEN_SECONDS
            for begin, end in self.waits + self.gone
        )

    def _held(self, at, seen):
        """What the player held at a moment, seconds of media; endless where nobody looked then, so that it excuses nothing."""
        looks = [look for look in seen["held"] if abs(self._monotonic(seen, look[0]) - at) <= SEEN_SECONDS]
        return min(looks, key=lambda look: abs(self._monotonic(seen, look[0]) - at), default=[0, math.inf])[1]

    def _monotonic(self, seen, milliseconds):
        return (seen["startedAt"] + milliseconds) / 1000 - time.time() + time.monotonic()  # startedAt is time.time()'s.

    def _shown_of_files(self, seqs):
        """ffmpeg's own fMP4 demuxer drops a fragment whose time is before the one before it: what it makes of these segments without us."""
        replay = self.relay.get(f"/live/{self.key}/0/replay.m3u8", "http").decode()
        breaks = {int(seq) for seq in re.findall(r"#EXT-X-DISCONTINUITY\n(?:#(?!EXT-X-DISCONTINUITY\n)[^\n]*\n)*(\d+)\.mp4", replay)}
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}"]
        for seq in seqs:
            whole = (self.folder / f"{seq}.mp4").read_bytes()
            init = length_of_init(whole)
            (self.folder / f"init-{seq}.mp4").write_bytes(whole[:init])
            (self.folder / f"plain-{seq}.m4s").write_bytes(whole[init:])
            if seq == seqs[0] or seq in breaks:
                lines += (["#EXT-X-DISCONTINUITY"] if seq in breaks else []) + [f'#EXT-X-MAP:URI="init-{seq}.mp4"']
            lines += [f"#EXTINF:{SEGMENT_SECONDS}.0,", f"plain-{seq}.m4s"]
        (self.folder / "plain.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
        frames = self.folder / "plain.frames"
        command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-allowed_extensions", "ALL", "-i", str(self.folder / "plain.m3u8")]
        subprocess.run([*command, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", str(frames)], check=True, timeout=END_SECONDS)
        return sum(not line.startswith("#") for line in frames.read_text().splitlines())

    def _frames(self, seq):
        ending = "ts" if self.kind == "ts" else "mp4"
        chunk = self.folder / f"{seq}.{ending}"
        chunk.write_bytes(self.relay.get(f"/live/{self.key}/0/{seq}.{ending}", "http"))
        command = ["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", str(chunk)]
        out = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return int(re.sub(r"\D", "", out.stdout.split("\n")[0]) or 0)

    def stop(self):
        for encoder in self.encoders:
            encoder.kill()
        self.replica.stop()


def length_of_init(chunk):
    """Of the boxes before the fragment: up to the end of moov."""
    at = 0
    while at + 8 <= len(chunk):
        size, kind = int.from_bytes(chunk[at : at + 4], "big"), chunk[at + 4 : at + 8]
        at += size
        if kind == b"moov":
            return at
        if size < 8:
            break
    raise ValueError("no moov in a chunk")


class Ffmpeg:
    """Plays in real time until the list ends, and says which chunks it opened."""

    def __init__(self, url, folder):
        self._frames, self._log = folder / "player.frames", folder / "player.log"
        command = ["ffmpeg", "-hide_banner", "-loglevel", "info", "-nostdin", "-re", "-i", url]
        command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", str(self._frames)]
        with open(self._log, "w") as said:
            self._process = subprocess.Popen(command, stderr=said)

    def result(self):
        """(exit status, chunks in the order of their opening, frames shown, the last words)"""
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = None
        log = self._log.read_text(errors="replace")
        opened = [int(seq) for seq in re.findall(r"Opening '[^']*/(\d+)\.(?:ts|mp4)' for reading", log)]
        seqs = []
        for seq in opened[1:] if opened and f"/{opened[0]}.mp4" in log else opened:  # The first is an init's, and so is what was opened before.
            if not seqs or seq > seqs[-1]:
                seqs.append(seq)
        frames = sum(not line.startswith("#") for line in self._frames.read_text().splitlines()) if self._frames.exists() else 0
        return status, seqs, frames, log[-300:]


if __name__ == "__main__":
    main()
