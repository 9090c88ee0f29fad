"""A stand-in for Owncast where none can be had: RTMP in, and a folder, a web server, hooks and an offline clip as Owncast has them.

ffmpeg listens for RTMP, encodes the variants and PUTs them to a small server here, as Owncast's own does; that server writes
each file in place, piece by piece, into the folder that an origin watches. What Owncast does around it (online and offline,
ids that change with each run, numbers that go back to 0, the clip at the end, the wipe, the clean-up) is done here."""

import hashlib
import json
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from wire import die_with_parent

STREAM_KEY = "abc123"  # Owncast's own default, for OBS and for the admin's pages
FRAMES_PER_SECOND = 10
VARIANTS = ((160, "160k"), (96, "80k"))  # width, bit rate
KEPT_MORE = 10  # files beyond the list that Owncast's clean-up leaves
MAX_CHUNK = 1 << 20
SLOW_FILES = 0.3  # the share that is written as on a slow disk
_LISTED = re.compile(r"^(stream-\S+\.(?:ts|m4s))\r?\n", re.MULTILINE)



class Replica:
    """Runs in threads and one ffmpeg until stopped; a transcoder listens at once, and the one after it makes segments of `kind`, ts or m4s, as it is then.

    `wipe_after`: seconds offline until the folder is emptied (300 in Owncast); `log`: a file for what the transcoder says."""

    def __init__(self, folder, dice, segment_seconds=2, listed=15, wipe_after=300.0, variants=VARIANTS, frames_per_second=FRAMES_PER_SECOND, log=None, web_port=0, kind="ts"):
        self.folder = Path(folder)
        self.dice = dice
        self.hooks, self.hooked = [], []
        self.endpoint = ""
        self.kind = kind
        self.online = False
        self.runs = self.partial = 0
        self._places = {}  # a lock for each file that is written
        self.times = {"lastConnectTime": None, "lastDisconnectTime": None}
        self.rtmp_port = free_port()
        self._variants, self._rate = variants, frames_per_second
        self._seconds, self._listed, self._wipe_after = segment_seconds, listed, wipe_after
        self._log = log
        self._lock = threading.RLock()
        self._writing = 0  # files that are being put
        self._written = threading.Condition(self._lock)
        self._stopped = threading.Event()
        self._here = threading.Event()  # the folder is in its place
        self._here.set()
        self._transcoder = None
        self._offline_since = None
        self._finished = [{} for _ in variants]  # by name: the SHA-1 of a file, of the run's init and it for fMP4, and when it became whole
        self._inits = {}  # by name
        self._listed_at = [{} for _ in variants]  # by name, in the order of their listing
        self._unlisted_at = [{} for _ in variants]
        self._names = [[] for _ in variants]  # that the list names now
        self._puts = serve(self._put_handler(), "puts")
        self._web = serve(self._web_handler(), "web", web_port)
        self.url = f"http://127.0.0.1:{self._web.server_address[1]}"
        self._fresh_folder()
        threading.Thread(target=self._run, name="replica", daemon=True).start()
        threading.Thread(target=self._clean, name="replica-clean", daemon=True).start()

    @property
    def rtmp(self):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{STREAM_KEY}"

    def stop(self):
        self._stopped.set()
        self.crash()
        self._puts.shutdown()
        self._web.shutdown()

    def crash(self):
        """The transcoder is killed, wherever it is."""
        with self._lock:
            if self._transcoder:
                self._transcoder.kill()

    def restart(self):
        """Owncast itself is started anew: its folder is empty."""
        self.crash()
        self._await_end()
        with self._lock:
            self._fresh_folder()

    def move_away(self, seconds):
        """Somebody renames the folder for a while; what is written meanwhile waits, as on a disk that hangs."""
        self._here.clear()
        with self._lock:
            away = self.folder.with_name(self.folder.name + ".away")
            self.folder.rename(away)
            self._stopped.wait(seconds)
            away.rename(self.folder)
        self._here.set()

    def _await_end(self):
        """Until the transcoder is gone, and what it put last is written: it waits for no answer itself."""
        if self._transcoder:
            self._transcoder.wait()
        with self._lock:
            self._written.wait_for(lambda: self._writing == 0, 10)

    def _fresh_folder(self):
        for variant in range(len(self._variants)):
            part = self.folder / str(variant)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            self._names_are(variant, [])

    # --- the transcoder

    def _run(self):
        while not self._stopped.is_set():
            with self._lock:
                self.run_id = secrets.token_urlsafe(6).replace("-", "x").replace("_", "y")
                kind = self.kind
                self._transcoder = subprocess.Popen(
                    self._command(kind), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
                )
            for line in self._transcoder.stderr:
                if line.startswith("Input #0"):
                    self._begins()
                if self._log:
                    with open(self._log, "a") as log:
                        log.write(line)
            self._await_end()
            if self.online and not self._stopped.is_set():
                self._ends(kind)

    def _command(self, kind):
        target = f"http://127.0.0.1:{self._puts.server_address[1]}"
        key_frames = str(self._rate * self._seconds)
        command = ["ffmpeg", "-hide_banner", "-loglevel", "info", "-nostats", "-nostdin", "-listen", "1", "-f", "flv", "-i", self.rtmp]
        for number, (width, rate) in enumerate(self._variants):
            command += ["-map", "v:0", "-map", "a:0", f"-filter:v:{number}", f"scale={width}:-2", f"-b:v:{number}", rate]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-r", str(self._rate)]
        command += ["-g", key_frames, "-keyint_min", key_frames, "-sc_threshold", "0", "-flags", "+cgop", "-c:a", "aac", "-b:a", "32k"]
        command += ["-f", "hls", "-hls_time", str(self._seconds), "-hls_list_size", str(self._listed)]
        command += ["-hls_flags", "program_date_time+independent_segments+omit_endlist", "-master_pl_name", "stream.m3u8"]
        command += ["-var_stream_map", " ".join(f"v:{number},a:{number}" for number in range(len(self._variants)))]
        if kind == "m4s":
            command += ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", self._init_name(self.run_id, "%v")]
        return command + ["-hls_segment_filename", f"{target}/%v/stream-{self.run_id}-%d.{kind}", "-method", "PUT", f"{target}/%v/stream.m3u8"]

    def _begins(self):
        self.runs += 1
        self.online = True
        self._offline_since = None
        self.times["lastConnectTime"] = stamp()
        for variant in range(len(self._variants)):
            self._names_are(variant, [])
        self._hook("STREAM_STARTED")

    def _ends(self, kind):
        self.online = False
        self._offline_since = time.monotonic()
        self.times["lastDisconnectTime"] = stamp()
        with self._lock:
            self._append_offline_clip(kind)
        self._hook("STREAM_STOPPED")

    def _append_offline_clip(self, kind):
        for variant in range(len(self._variants)):
            part = self.folder / str(variant)
            playlist = part / "stream.m3u8"
            if not playlist.exists():
                continue
            text = playlist.read_text()
            if not text.endswith("\n"):
                text = text[: text.rfind("\n") + 1]
            text += "#EXT-X-DISCONTINUITY\n"
            if kind == "m4s":
                (part / "offline-init.mp4").write_bytes(b"\0\0\0\x08moov")
                text += '#EXT-X-MAP:URI="offline-init.mp4"\n'
            clip = "offline-v2.m4s" if kind == "m4s" else "offline-v2.ts"
            (part / clip).write_bytes(b"\x47" + bytes(187))
            text += f"#EXTINF:8.000000,\n{clip}\n#EXT-X-ENDLIST\n"
            moved = part / "stream.m3u8.tmp"  # The one list that Owncast moves into its place.
            moved.write_text(text)
            moved.rename(playlist)

    def _clean(self):
        """Files that no list names any more; and, when it was offline for long, all of them, with an offline list instead."""
        while not self._stopped.wait(1):
            with self._lock:
                for variant, names in enumerate(self._names):
                    files = sorted((self.folder / str(variant)).glob("stream-*.*s"), key=lambda file: file.stat().st_mtime)
                    for file in files[: -(self._listed + KEPT_MORE)]:
                        if file.name not in names:
                            file.unlink()
                if self._offline_since and time.monotonic() - self._offline_since > self._wipe_after:
                    self._offline_since = None
                    self._fresh_folder()
                    for variant in range(len(self._variants)):
                        part = self.folder / str(variant)
                        (part / "stream-offline-0.ts").write_bytes(b"\x47" + bytes(187))
                        lines = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:8\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
                        (part / "stream.m3u8").write_text(lines + "#EXTINF:8.000000,\nstream-offline-0.ts\n#EXT-X-ENDLIST\n")

    # --- what the transcoder writes

    def _put_handler(replica):
        class Puts(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_PUT(self):
                whole = replica._write(self.path.lstrip("/"), self._body())
                if whole:
                    self.send_response(200)
                    self.send_header("content-length", "0")
                    self.end_headers()

            def _body(self):
                """Pieces as they come; ends with None where the sender went away in the middle."""
                while True:
                    head = self.rfile.readline(64)
                    if not head.endswith(b"\n"):
                        yield None
                        return
                    length = int(head.split(b";")[0], 16)
                    data = self.rfile.read(min(length, MAX_CHUNK))
                    if len(data) < length:
                        yield data
                        yield None
                        return
                    self.rfile.readline(64)
                    if length == 0:
                        return
                    yield data

        return Puts

    def _write(self, name, pieces):
        """Writes a file in place as its bytes come, at times slowly; returns whether it became whole."""
        with self._lock:
            self._writing += 1
        try:
            return self._write_in_place(name, pieces)
        finally:
            with self._lock:
                self._writing -= 1
                self._written.notify_all()

    def _write_in_place(self, name, pieces):
        self._here.wait()
        with self._lock:
            one_at_a_time = self._places.setdefault(name, threading.Lock())
        with one_at_a_time:  # Else two lists of one variant, sent right after one another, leave a mixture that names neither's last.
            return self._write_alone(name, pieces)

    def _write_alone(self, name, pieces):
        path = self.folder / name
        variant, _, file = name.partition("/")
        kept = file.startswith("init-") or name.endswith(".m3u8")
        digest, text, whole = hashlib.sha1(self._init_of(int(variant), file) if file.endswith(".m4s") else b""), b"", True
        slow = self.dice.random() < SLOW_FILES
        with open(path, "wb", buffering=0) as out:
            for piece in pieces:
                if piece is None:
                    whole = False
                    break
                cut = self.dice.randrange(len(piece) + 1) if slow else len(piece)
                for part in (piece[:cut], piece[cut:]):
                    out.write(part)
                    time.sleep(self.dice.uniform(0, 0.02) if slow else 0)
                digest.update(piece)
                text += piece if kept else b""
        with self._lock:
            if file.startswith("init-"):
                self._inits[file] = text
                self._written.notify_all()
            elif file.endswith(".m3u8"):
                self._names_are(int(variant), _LISTED.findall(text.decode(errors="replace")))
            elif file and whole:
                self._finished[int(variant)][file] = digest.hexdigest(), time.monotonic()
            self.partial += not whole
        return whole

    def _init_name(self, run_id, variant):
        """ffmpeg puts a variant's number into it only where there are several, and else leaves the %v."""
        return f"init-{run_id}-{variant}.mp4" if len(self._variants) > 1 else f"init-{run_id}.mp4"

    def _init_of(self, variant, segment):
        """The init of a segment's run, which was put before it and may still be on its way to the disk."""
        name = self._init_name(segment[len("stream-") :].rsplit("-", 1)[0], variant)
        with self._lock:
            self._written.wait_for(lambda: name in self._inits, 10)
            return self._inits.get(name, b"")

    def _names_are(self, variant, names):
        now = time.monotonic()
        for name in names:
            self._listed_at[variant].setdefault(name, now)
        for name in set(self._names[variant]) - set(names):
            self._unlisted_at[variant][name] = now
        self._names[variant] = names

    def wanted(self, variant):
        """What was finished and listed, in order: (name, SHA-1 of its chunk, time.monotonic() when it was both, and not listed any more or None).

        What was listed before it was whole, and was never finished, is no part of it."""
        with self._lock:
            finished, unlisted = self._finished[variant], self._unlisted_at[variant]
            return [(name, finished[name][0], max(listed, finished[name][1]), unlisted.get(name)) for name, listed in self._listed_at[variant].items() if name in finished]

    def longest_unfinished(self):
        """(seconds, name) of the segment that was listed for the longest time before it was whole."""
        with self._lock:
            waits = [(when - listed[name], name) for listed, finished in zip(self._listed_at, self._finished) for name, (_, when) in finished.items() if name in listed]
        return max(waits, default=(0.0, "none"))

    # --- Owncast's own web server

    def _status(self):
        return {
            "serverTime": stamp(), **self.times, "versionNumber": "0.2.4-replica", "streamTitle": "Live from a replica",
            "viewerCount": 0, "online": self.online,
        }

    def _config(self):
        return {"name": "Replica", "summary": "Stands in for Owncast", "tags": ["lab", "owncast"], "logo": "/logo"}

    def _hook(self, kind):
        event = {"id": secrets.token_hex(4), "name": "Replica", "summary": "", "streamTitle": "Live from a replica", "timestamp": stamp()}
        body = json.dumps({"type": kind, "eventData": {**event, "status": self._status(), "serverURL": self.url}}).encode()
        for hook in self.hooks:
            threading.Thread(target=self._call, args=(hook, kind, body), name="hook", daemon=True).start()

    def _call(self, hook, kind, body):
        try:  # No second try, and no signature: so does Owncast.
            with urllib.request.urlopen(urllib.request.Request(hook, body, {"content-type": "application/json"}), timeout=10) as answer:
                self.hooked.append((kind, answer.status))
        except OSError as failure:
            self.hooked.append((kind, str(failure)))

    def _web_handler(replica):
        class Web(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _say(self, status, kind="text/plain", body=b"", cache="no-cache"):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("cache-control", cache)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                path = self.path.split("?")[0]
                if path == "/api/status":
                    return self._say(200, "application/json", json.dumps(replica._status()).encode())
                if path == "/api/config":
                    return self._say(200, "application/json", json.dumps(replica._config()).encode())
                if path == "/logo":
                    return self._say(200, "image/png", b"\x89PNG\r\n\x1a\nreplica")
                file = replica.folder / path.removeprefix("/hls/")
                if not path.startswith("/hls/") or ".." in path or not file.is_file():
                    return self._say(404)
                if path.endswith(".m3u8"):
                    return self._say(200, "application/x-mpegURL", replica._served(path, file.read_bytes()))
                return self._say(200, "video/mp2t", file.read_bytes(), "public, max-age=31557600")

            def do_POST(self):
                value = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}").get("value")
                if self.headers.get("authorization") != "Basic YWRtaW46YWJjMTIz":  # admin:abc123
                    return self._say(401)
                if self.path == "/api/admin/config/videoservingendpoint":
                    replica.endpoint = value
                    return self._say(200, "application/json", b'{"success":true,"message":"changed"}')
                return self._say(404)

        return Web

    def _served(self, path, body):
        """The master names the serving endpoint where one is set, as Owncast's does from the next run on."""
        if path == "/hls/stream.m3u8" and self.endpoint:
            return re.sub(rb"^(\d+/stream\.m3u8)", lambda found: f"{self.endpoint}/hls/".encode() + found.group(1), body, flags=re.MULTILINE)
        return body


class Encoder:
    """An OBS: streams moving pictures by RTMP, at `speed` times life, until stopped."""

    def __init__(self, url, speed=1.0, size="160x90", frames_per_second=FRAMES_PER_SECOND, key_seconds=2):
        pace = ["-readrate", str(speed)]
        self._process = subprocess.Popen(
            ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", *pace, "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={frames_per_second}"]
            + [*pace, "-f", "lavfi", "-i", f"sine=frequency={secrets.randbelow(4000) + 200}:sample_rate=44100", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
            + ["-g", str(key_seconds * frames_per_second), "-b:v", "300k", "-c:a", "aac", "-b:a", "64k", "-f", "flv", url],
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent,
        )

    def running(self):
        return self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """As the button does: the connection ends in an orderly way."""
        self._process.terminate()
        self._process.wait()

    def kill(self):
        self._process.kill()
        self._process.wait()


def serve(handler, name, port=0):
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A transcoder that is killed hangs up in the middle."""

    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, name=name, daemon=True).start()
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
