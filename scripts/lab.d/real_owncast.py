"""A real Owncast: ffmpeg streams into it over RTMP, is killed and comes back, and what a relay has is compared with its files.

Owncast is taken from $OWNCAST or the PATH, else built with the Go toolchain from the module proxy. Where that cannot be had, the reason is told."""

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from clients import Report, eventually
from program import ROOT, Gone, NotReady, Program, stop_all
from wire import die_with_parent

VERSION = "v0.2.3"
MODULE = f"github.com/owncast/owncast@{VERSION}"
CANNOT_RUN = 3
STREAM_KEY = "abc123"  # Owncast's own default
FRAMES_PER_SECOND = 25
RUN_SECONDS = 40
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]


def owncast():
    """The program, or (None, why not)."""
    for known in (os.environ.get("OWNCAST"), shutil.which("owncast"), str(ROOT / "target" / "lab" / "owncast" / "owncast")):
        if known and Path(known).is_file():
            return known, ""
    if shutil.which("go") is None:
        return None, "no $OWNCAST, none on the PATH, and no Go toolchain to build one"
    target = ROOT / "target" / "lab" / "owncast"
    target.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(["go", "install", MODULE], env={**os.environ, "GOBIN": str(target), "CGO_ENABLED": "1"}, capture_output=True, text=True)
    if built.returncode != 0:
        return None, f"go install {MODULE}: {' '.join(built.stderr.split())[-400:]}"
    return str(target / "owncast"), ""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Files:
    """Remembers the digest of every segment that Owncast's lists ever named."""

    def __init__(self, folder):
        self.folder = folder
        self.digests = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="files", daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._stopped.wait(0.3):
            for playlist in self.folder.glob("*/stream.m3u8"):
                text = playlist.read_text(errors="replace")
                init = re.search(r'#EXT-X-MAP:URI="([^"]+)"', text)
                for name in re.findall(r"^([^#\s]+\.(?:ts|m4s))$", text, re.MULTILINE):
                    file = playlist.parent / Path(name).name
                    if "offline" not in name and (file.parent.name, file.name) not in self.digests and file.exists():
                        head = (playlist.parent / init.group(1)).read_bytes() if init else b""
                        self.digests[file.parent.name, file.name] = hashlib.sha1(head + file.read_bytes()).hexdigest()

    def stop(self):
        self._stopped.set()
        self._thread.join()


def encoder(port):
    return subprocess.Popen(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={FRAMES_PER_SECOND}"]
        + ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
        + ["-g", str(2 * FRAMES_PER_SECOND), "-b:v", "800k", "-c:a", "aac", "-b:a", "96k", "-f", "flv", f"rtmp://127.0.0.1:{port}/live/{STREAM_KEY}"],
        preexec_fn=die_with_parent,
    )


def main():
    argparse.ArgumentParser(prog="scripts/lab owncast", description=__doc__).parse_args()
    program, why = owncast()
    if program is None:
        print(f"scripts/lab owncast: {why}", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    folder = Path(tempfile.mkdtemp(prefix="lab-owncast-"))
    report, programs, running = Report(), [], []
    try:
        run(report, folder, program, programs, running)
    except (NotReady, Gone) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        stop_all(programs)
        for process in running:
            process.kill()
    if report.failed:
        print(f"logs: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    sys.exit(1 if report.failed else 0)


def run(report, folder, program, programs, running):
    rtmp, web = free_port(), free_port()
    with open(folder / "owncast.log", "wb") as log:
        command = [program, "-rtmpport", str(rtmp), "-webserverport", str(web), "-webserverip", "127.0.0.1"]
        running.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, preexec_fn=die_with_parent))
    base = f"http://127.0.0.1:{web}"

    def status():
        with urllib.request.urlopen(f"{base}/api/status", timeout=5) as answer:
            return json.load(answer)

    said = eventually(60, status)
    if not report.check("Owncast starts", said, (folder / "owncast.log").read_text()[-300:] if not said else said.get("versionNumber", "")):
        return
    files = Files(folder / "data" / "hls")
    programs.append(Program("origin", "origin", ["--hls", str(files.folder), "--owncast", base, *LOOPBACK], folder))
    origin = programs[-1].await_ready()
    key = origin.ready["id"]
    programs.append(Program("relay", "relay", ["--stream", key, "--peer", origin.ready["tcp"], "--no-port-mapping", *LOOPBACK], folder))
    relay = programs[-1].await_ready()
    for number in range(2):
        running.append(encoder(rtmp))
        report.check(f"Owncast takes the stream, run {number + 1}", eventually(30, lambda: status()["online"]))
        time.sleep(RUN_SECONDS)
        running.pop().kill()
        time.sleep(5)
    time.sleep(10)
    files.stop()
    replay = relay.get(f"/live/{key}/0/replay.m3u8", "http").decode()
    names = re.findall(r"^(?:\S*/)?(\d+\.(?:ts|mp4))$", replay, re.MULTILINE)
    got = [hashlib.sha1(relay.get(f"/live/{key}/0/{name}", "http")).hexdigest() for name in dict.fromkeys(names)]
    wanted = [digest for (variant, _), digest in files.digests.items() if variant == "0"]
    report.check("the relay has every segment that Owncast finished, byte for byte, in order", got == wanted, f"{len(got)} of {len(wanted)}")
    report.check("one break, at the restart of the encoder", replay.count("#EXT-X-DISCONTINUITY\n") == 1)
    name = origin.status()["streams"][0].get("name")
    report.check("the stream has Owncast's name", name and name != "Live", name)
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
        + [f"http://{relay.ready['http']}/live/{key}/0/replay.m3u8"],
        capture_output=True, text=True, timeout=180,
    )
    frames = int(re.sub(r"\D", "", out.stdout.split("\n")[0]) or 0)
    report.check("ffmpeg plays it from the relay, through the restart", frames >= 0.9 * FRAMES_PER_SECOND * 2 * (RUN_SECONDS - 8), f"{frames} frames")


if __name__ == "__main__":
    main()
