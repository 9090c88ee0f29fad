"""Two origins with one key on loopback: the one that publishes is killed while ffmpeg plays from a relay."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import feed
from clients import LOOPBACK, Report
from program import JAVA, Gone, NotReady, Program, jar, stop_all, write_statuses

SEGMENT_SECONDS = 2
BITS_PER_SECOND = 400_000
ENCODED_SEGMENTS = 90
FRAMES_PER_SECOND = 25
PLAYED_SECONDS = 60
KILL_AFTER_SECONDS = 20
LIVE_SECONDS = 90
STALL_SECONDS = 3 * SEGMENT_SECONDS  # what a player holds
POLL_SECONDS = 0.25


class Setting:
    """A feed, a relay, and two origins with one key that read the same segments."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []
        self.feed = feed.Feed(feed.encoded(folder.parent, BITS_PER_SECOND, SEGMENT_SECONDS, ENCODED_SEGMENTS), folder / "hls")
        self.key_file = folder / "stream.key"
        keygen = [JAVA, "-jar", str(jar("origin")), "keygen", "--key", str(self.key_file)]
        self.key = subprocess.run(keygen, check=True, capture_output=True, text=True).stdout.strip()
        self.relay = self.start("relay", "relay", "--stream", self.key, "--no-port-mapping").await_ready()
        self.first = self.origin("first").await_ready()
        self.second = None

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *LOOPBACK, "--no-dht"], self.folder))
        return self.programs[-1]

    def origin(self, name):
        feed_folder = ["--hls", str(self.folder / "hls"), "--key", str(self.key_file), "--name", "Pair"]
        return self.start(name, "origin", *feed_folder, "--standby", "--peer", self.relay.ready["tcp"])

    def playlist_url(self):
        return f"http://{self.relay.ready['http']}/live/{self.key}/0/live.m3u8"

    def playlist(self):
        return self.relay.get(f"/live/{self.key}/0/live.m3u8", "http").decode()

    def stop(self):
        self.feed.stop()
        stop_all(self.programs)


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab standby", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lab-standby-"))
    report, setting = Report(), None
    try:
        setting = Setting(folder)
        if report.check("with nobody else there the first leads", eventually(lambda: role(setting.first).startswith("leading"))):
            setting.second = setting.origin("second").await_ready()
            report.check("the second follows", eventually(lambda: hears(setting.second)), role(setting.second))
            kill_while_it_plays(report, setting)
            come_back(report, setting)
    except (NotReady, Gone, OSError) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        if report.failed and setting:
            write_statuses(setting.programs, folder)
        if setting:
            setting.stop()
        if report.failed or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"{len(report.failed)} failed{': ' + '; '.join(report.failed) if report.failed else ''}")
    sys.exit(1 if report.failed else 0)


def kill_while_it_plays(report, setting):
    eventually(lambda: len(numbers(setting.playlist())) >= 4)
    frames, log = setting.folder / "frames", setting.folder / "player.log"
    command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-t", str(PLAYED_SECONDS), "-i", setting.playlist_url()]
    command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", str(frames)]
    with open(log, "w") as said:
        player = subprocess.Popen(command, stderr=said)
    listed, arrivals = set(), []
    try:
        killed_at = None
        began = time.monotonic()
        while player.poll() is None and time.monotonic() - began < 3 * PLAYED_SECONDS:
            now = time.monotonic()
            new = set(numbers(setting.playlist())) - listed
            if new:
                listed |= new
                arrivals.append(now)
            if killed_at is None and now - began > KILL_AFTER_SECONDS:
                setting.first.kill()
                killed_at = now
            time.sleep(POLL_SECONDS)
        status = player.poll()
    finally:
        if player.poll() is None:
            player.kill()
    report.check("the second leads", role(setting.second).startswith("leading"), role(setting.second))
    pause = max(later - earlier for earlier, later in zip(arrivals, arrivals[1:]))
    report.check("no number is missing across the change", sorted(listed) == list(range(min(listed), max(listed) + 1)), f"{len(listed)} chunks")
    breaks = len(re.findall(r"^#EXT-X-DISCONTINUITY$", setting.playlist(), re.MULTILINE))
    report.check("at most one discontinuity", breaks <= 1, str(breaks))
    times = [int(line.split(",")[2]) for line in frames.read_text().splitlines() if not line.startswith("#")] if frames.exists() else []
    wanted = PLAYED_SECONDS * FRAMES_PER_SECOND
    good = status == 0 and len(times) >= wanted - 1
    detail = f"{len(times)} of {wanted} frames, the longest wait for a chunk {pause:.1f} s"
    report.check("ffmpeg plays on while the origin is killed", good, detail if good else f"{detail}, status {status}, {log.read_text()[-300:]}")


def come_back(report, setting):
    """The one that was killed comes back on its own state, follows, and takes over in its turn."""
    setting.first = setting.origin("first").await_ready()
    report.check("the first follows when it comes back", eventually(lambda: hears(setting.first)) and "standing by" in role(setting.first), role(setting.first))
    newest = max(numbers(setting.playlist()))
    setting.second.kill()
    report.check("and leads when the other is killed", eventually(lambda: role(setting.first).startswith("leading")), role(setting.first))
    report.check("numbers run on", eventually(lambda: max(numbers(setting.playlist())) > newest + 3), f"behind {newest}")
    status = setting.relay.status()["streams"][0]
    report.check("one chain, no fork", status["forks"] == [], json.dumps(status["forks"]))


def role(origin):
    return origin.status()["notes"].get("origin", "")


def hears(origin):
    streams = origin.status()["streams"]
    return bool(streams and streams[0]["renditions"] and streams[0]["renditions"][0]["chunks"])


def numbers(playlist):
    return [int(number) for number in re.findall(r"^(?:[^#\n]*/)?(\d+)\.ts", playlist, re.MULTILINE)]


def eventually(holds):
    """What `holds` returns once it is true; None where it never is in time."""
    end = time.monotonic() + LIVE_SECONDS
    while time.monotonic() < end:
        try:
            answer = holds()
            if answer:
                return answer
        except (OSError, ValueError):
            pass  # not up yet
        time.sleep(POLL_SECONDS)
    return None


if __name__ == "__main__":
    main()
