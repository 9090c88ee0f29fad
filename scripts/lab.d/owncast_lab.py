"""A real Owncast, or where none can be had its replica: ffmpeg streams into it over RTMP, is stopped, killed and comes back, and what a
relay has is compared with its files. The operator's five commands are tried on it too: hooks, words, the serving endpoint, a gateway.

Owncast is the program of --binary, $OWNCAST or the PATH (any release), else built with the Go toolchain from the module proxy. Where it
cannot be had, the reason is told; --replica takes the stand-in of replica.py instead."""

import argparse
import base64
import hashlib
import http.server
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from clients import eventually
from program import ROOT, Program
from replica import STREAM_KEY, Encoder, Replica, free_port
from trial import trial
from wire import die_with_parent

MODULE = "github.com/owncast/owncast@v0.2.4"
CANNOT_RUN = 3
BESIDE_THE_PROGRAM = ("static", "webroot")
FRAMES_PER_SECOND = 25
RUN_SECONDS = 30
AWAY_SECONDS = 5
LIVE_SECONDS = 60
ADMIN = {"authorization": "Basic " + base64.b64encode(f"admin:{STREAM_KEY}".encode()).decode()}
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]


def owncast(binary):
    """The program, or (None, why not)."""
    if binary:
        return (binary, "") if Path(binary).is_file() else (None, f"--binary {binary}: no such file")
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


class RealOwncast:
    """Runs in a folder of its own until stopped; remembers the digest of every segment that its lists ever named."""

    def __init__(self, program, folder):
        rtmp, web = free_port(), free_port()
        self.folder = folder / "data" / "hls"
        self.url = f"http://127.0.0.1:{web}"
        self.rtmp = f"rtmp://127.0.0.1:{rtmp}/live/{STREAM_KEY}"
        self.hooked, self._hooks = [], None
        self._digests = {}
        for name in BESIDE_THE_PROGRAM:  # What releases before 0.1 read from where they are started.
            if (Path(program).parent / name).is_dir():
                shutil.copytree(Path(program).parent / name, folder / name)
        with open(folder / "owncast.log", "wb") as log:
            command = [program, "-rtmpport", str(rtmp), "-webserverport", str(web), "-webserverip", "127.0.0.1"]
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, preexec_fn=die_with_parent)
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
                    if "offline" not in name and (file.parent.name, file.name) not in self._digests and file.exists():
                        head = (playlist.parent / init.group(1)).read_bytes() if init else b""
                        self._digests[file.parent.name, file.name] = hashlib.sha1(head + file.read_bytes()).hexdigest()

    def wanted(self, variant):
        return [digest for (its, _), digest in self._digests.items() if its == str(variant)]

    def hook(self, url):
        """As on the admin's page of webhooks; they pass through the lab, which writes down how each was answered."""
        self._hooks = Hooks(url, self.hooked)
        post(f"{self.url}/api/admin/webhooks/create", {"url": self._hooks.url, "events": ["STREAM_STARTED", "STREAM_STOPPED"]}, ADMIN)

    def stop(self):
        if self._hooks:
            self._hooks.shutdown()
        self._stopped.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()


class Hooks(http.server.ThreadingHTTPServer):
    """Passes Owncast's webhooks on to `url`, and writes down each event's type and how it was answered."""

    def __init__(self, url, hooked):
        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = post(url, body)
                hooked.append((json.loads(body)["type"], answer))
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        threading.Thread(target=self.serve_forever, name="hooks", daemon=True).start()


def post(url, body, headers=None):
    """The status of the answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


class ReplicaOwncast(Replica):
    """The replica, as the lab asks it."""

    def __init__(self, folder, kind):
        super().__init__(folder / "data" / "hls", random.Random(1), variants=((320, "300k"),), frames_per_second=FRAMES_PER_SECOND, log=folder / "ffmpeg.log", kind=kind)

    def wanted(self, variant):
        return [digest for _, digest, *_ in super().wanted(variant)]

    def hook(self, url):
        self.hooks.append(url)


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab owncast", description=__doc__)
    parser.add_argument("--binary", help="an Owncast, as its releases have it")
    parser.add_argument("--replica", action="store_true", help="the stand-in instead of a real one")
    parser.add_argument("--kind", choices=["ts", "m4s"], default="ts", help="the replica's segments (ts)")
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()
    program, why = (None, "") if options.replica else owncast(options.binary)
    if program is None and not options.replica:
        print(f"scripts/lab owncast: {why}; --binary PATH takes a downloaded release, --replica a stand-in", file=sys.stderr)
        sys.exit(CANNOT_RUN)

    def stream(report, folder, programs):
        server = ReplicaOwncast(folder, options.kind) if options.replica else RealOwncast(program, folder)
        try:
            Streaming(report, folder, server, programs).run()
        finally:
            server.stop()

    trial("owncast", options.keep, stream)


class Streaming:
    def __init__(self, report, folder, server, programs):
        self.report, self.folder, self.server, self.programs = report, folder, server, programs

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *LOOPBACK], self.folder))
        return self.programs[-1].await_ready()

    def status(self):
        with urllib.request.urlopen(f"{self.server.url}/api/status", timeout=5) as answer:
            return json.load(answer)

    def run(self):
        check, server = self.report.check, self.server
        said = eventually(LIVE_SECONDS, self.status)
        if not check("Owncast answers", said, said and said.get("versionNumber")):
            return
        origin = self.start("origin", "origin", "--hls", str(server.folder), "--owncast", server.url)
        key = origin.ready["id"]
        token = (self.folder / "origin" / "owncast.token").read_text().strip()
        server.hook(f"http://{origin.ready['http']}/owncast/{token}")
        relay = self.start("relay", "relay", "--stream", key, "--peer", origin.ready["tcp"], "--no-port-mapping")
        gateway = self.start("gateway", "addon-gateway", "--stream", key, "--peer", origin.ready["tcp"])
        for number, end in enumerate((Encoder.kill, Encoder.stop)):
            encoder = self.encode()
            check(f"Owncast takes the stream, run {number + 1}", eventually(LIVE_SECONDS, lambda: self.status()["online"]))
            time.sleep(RUN_SECONDS)
            if number == 0:
                self.page(gateway, key)
            end(encoder)
            time.sleep(AWAY_SECONDS)
        self.compare(relay, key)
        name = origin.status()["streams"][0].get("name")
        check("the stream has Owncast's name", name and name != "Live", name)
        kinds = [kind for kind, answer in server.hooked if answer == 200]
        check("its webhooks are answered", kinds == ["STREAM_STARTED", "STREAM_STOPPED"] * 2, server.hooked)
        wrong = post(f"http://{origin.ready['http']}/owncast/{'0' * 32}", b"{}")
        check("a hook with another token is refused", wrong == 404, wrong)
        self.plays(relay, key)

    def encode(self):
        end = time.monotonic() + LIVE_SECONDS
        while True:
            encoder = Encoder(self.server.rtmp, 1, "320x180", FRAMES_PER_SECOND)
            while encoder.running() and not self.status()["online"] and time.monotonic() < end:
                time.sleep(0.2)
            if encoder.running() or time.monotonic() > end:
                return encoder

    def page(self, gateway, key):
        """The last of OWNCAST.md's commands: Owncast's own page is sent to the gateway."""
        endpoint = f"http://{gateway.ready['http']}/owncast/{key}"
        said = post(f"{self.server.url}/api/admin/config/videoservingendpoint", {"value": endpoint}, ADMIN)
        self.report.check("Owncast takes the gateway as its serving endpoint", said == 200, said)
        lists = eventually(LIVE_SECONDS, lambda: re.findall(r"^(http\S+)$", gateway.get(f"/owncast/{key}/hls/0/stream.m3u8", "http").decode(), re.MULTILINE))
        self.report.check("the gateway has Owncast's layout, with relays' addresses in it", lists, (lists or [None])[-1])

    def compare(self, relay, key):
        def got():
            replay = relay.get(f"/live/{key}/0/replay.m3u8", "http").decode()
            names = list(dict.fromkeys(re.findall(r"^(?:\S*/)?(\d+\.(?:ts|mp4))$", replay, re.MULTILINE)))
            return [hashlib.sha1(relay.get(f"/live/{key}/0/{name}", "http")).hexdigest() for name in names], replay

        eventually(LIVE_SECONDS, lambda: got()[0] == self.server.wanted(0))
        digests, replay = got()
        wanted = self.server.wanted(0)
        self.report.check("the relay has every segment that Owncast finished, byte for byte, in order", digests == wanted, f"{len(digests)} of {len(wanted)}")
        self.report.check("one break, at the restart of the encoder", replay.count("#EXT-X-DISCONTINUITY\n") == 1, replay.count("#EXT-X-DISCONTINUITY\n"))

    def plays(self, relay, key):
        out = subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
            + ["-live_start_index", "0", f"http://{relay.ready['http']}/live/{key}/0/replay.m3u8"],
            capture_output=True, text=True, timeout=240,
        )
        frames = int(re.sub(r"\D", "", out.stdout.split("\n")[0]) or 0)
        wanted = 0.9 * FRAMES_PER_SECOND * 2 * (RUN_SECONDS - 8)
        self.report.check("ffmpeg plays it from the relay, through the restart", frames >= wanted, f"{frames} frames")


if __name__ == "__main__":
    main()
