"""What live-torrent does, asked of a running origin: folder, URL and loop modes, the magnet playlist, absolute URLs, CORS, starting near the
last chunk, the viewer page; and feeds by URL as odd as they come, or such that they must be refused."""

import argparse
import gzip
import json
import re
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from clients import eventually
from npm import installed
from program import ROOT, Program
from trial import trial

SCRIPTS = Path(__file__).resolve().parent / "gateway"
SAMPLE = ROOT / "scripts" / "sample"
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
SEGMENT_SECONDS = 2
SEGMENTS = 12
LISTED = 6
LIVE_SECONDS = 60
PAGE_SECONDS = 6
REFUSED = {
    "an encrypted feed": ("#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n", "encrypted (EXT-X-KEY)"),
    "a feed of parts only": (None, "parts only (EXT-X-PART)"),
}


class Feed:
    """The sample as a live playlist, and a web server that gives it in the oddest ways; both go on until stopped."""

    def __init__(self, folder):
        self.folder = folder
        self.addition = ""
        self.parts_only = False
        self.first = 0
        self.asked = {}
        folder.mkdir()
        for number in range(SEGMENTS):
            shutil.copyfile(SAMPLE / f"stream-sample-{number}.ts", folder / f"stream-sample-{number}.ts")
        self._stopped = threading.Event()
        self._write()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="odd-feed", daemon=True).start()
        threading.Thread(target=self._run, name="feed", daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _run(self):
        while not self._stopped.wait(SEGMENT_SECONDS):
            self.first += 1
            self._write()

    def media(self):
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}.0", f"#EXT-X-MEDIA-SEQUENCE:{self.first}"]
        wraps = (self.first + SEGMENTS - 1) // SEGMENTS
        lines += [f"#EXT-X-DISCONTINUITY-SEQUENCE:{wraps}", "#EXT-X-SOMETHING-NEW:1"]
        text = "\n".join(lines) + "\n" + self.addition
        for number in range(self.first, self.first + LISTED):
            text += "#EXT-X-DISCONTINUITY\n" if number % SEGMENTS == 0 and number > self.first else ""
            if self.parts_only:
                text += f'#EXT-X-PART:DURATION=0.5,URI="stream-sample-{number % SEGMENTS}.ts"\n'
            else:
                text += f"#EXTINF:{SEGMENT_SECONDS}.000000,\nstream-sample-{number % SEGMENTS}.ts?n={number}\n"
        return text

    def _write(self):
        part = self.folder / "stream.m3u8.part"
        part.write_text(self.media().replace("?n=", "#"))
        part.rename(self.folder / "stream.m3u8")

    def _handler(feed):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _say(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                path = self.path.split("?")[0]
                way, _, name = path.lstrip("/").partition("/")
                feed.asked[way] = feed.asked.get(way, 0) + (self.command == "GET" and name.endswith(".m3u8"))
                if name.endswith(".ts"):
                    file = feed.folder / Path(name).name
                    return self._say(200, file.read_bytes()) if file.exists() else self._say(404)
                text = feed.media()
                if way == "flaky" and feed.asked[way] % 3:
                    return self._say(503)
                if way == "redirect" and name != "there/list.m3u8":
                    return self._say(302, location="/redirect/there/list.m3u8")
                if way == "gzip":
                    return self._say(200, gzip.compress(text.encode()), content_encoding="gzip")
                if way == "bom":
                    return self._say(200, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
                if way == "master" and name == "top.m3u8":
                    lines = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS=\"avc1.42c00a,mp4a.40.2\"\nlow/list.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=200000\n/master/high/list.m3u8\n"
                    return self._say(200, lines.encode())
                if way == "absolute":
                    text = re.sub(r"^(stream-)", rf"{feed.url}/absolute/\1", text, flags=re.MULTILINE)
                if way == "truncated" and feed.asked[way] % 2:
                    return self._say(200, text[: len(text) * 2 // 3].encode())
                return self._say(200, text.encode(), etag=f'"{feed.first}{feed.addition}{feed.parts_only}"'.replace("\n", ""))

            do_HEAD = do_GET

        return Handler


WAYS = {
    "redirect": "/redirect/list.m3u8", "gzip": "/gzip/list.m3u8", "a BOM and CRLF": "/bom/list.m3u8", "a master playlist": "/master/top.m3u8",
    "absolute URLs": "/absolute/list.m3u8", "a server that mostly fails": "/flaky/list.m3u8", "a list cut off every other time": "/truncated/list.m3u8",
}


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab parity", description=__doc__)
    parser.add_argument("--picture", help="where to keep the picture of the viewer page")
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()

    def ask_all(report, folder, programs):
        setting = Setting(folder, programs)
        try:
            for part in (folder_mode, loop_mode, url_modes, refusals, own_output):
                part(report, setting)
            viewer_page(report, setting, options.picture or str(folder / "page.png"))
        finally:
            setting.feed.stop()

    trial("parity", options.keep, ask_all)


class Setting:
    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.feed = Feed(folder / "feed")

    def origin(self, name, *arguments):
        self.programs.append(Program(name, "origin", [*arguments, "--name", name, *LOOPBACK], self.folder))
        return self.programs[-1]


def playlist(origin, name="magnets.m3u8", rendition=0):
    return ask(origin, f"/live/{origin.ready['id']}/{rendition}/{name}")[1].decode()


def ask(origin, path):
    with urllib.request.urlopen(f"http://{origin.ready['http']}{path}", timeout=10) as answer:
        return dict((name.lower(), value) for name, value in answer.headers.items()), answer.read()


def chunks(text):
    return [int(seq) for seq in re.findall(r"^\S*?(\d+)\.ts$", text, re.MULTILINE)]


def folder_mode(report, setting):
    origin = setting.folder_origin = setting.origin("folder", "--hls", str(setting.feed.folder)).await_ready()
    listed_before = setting.feed.first
    report.check("folder: chunks are listed", eventually(LIVE_SECONDS, lambda: len(chunks(playlist(origin))) >= 4))
    text = playlist(origin)
    started_behind = setting.feed.first + LISTED - listed_before
    report.check("starts near the last chunk, and not with all that is listed", len(chunks(text)) <= started_behind, f"{len(chunks(text))} chunks, {started_behind} were listed since")
    magnets = re.findall(r"^#.*?(magnet:\?\S+)\n(?:#[^\n]*\n)*(\S+)$", text, re.MULTILINE)
    report.check("a magnet stands before every chunk", len(magnets) == len(chunks(text)), f"{len(magnets)} of {len(chunks(text))}")
    report.check("segments have absolute URLs", all(uri.startswith(f"http://{origin.ready['http']}/") for _, uri in magnets), magnets[0][1])
    parsed = urllib.parse.parse_qs(urllib.parse.urlparse(magnets[-1][0]).query)
    report.check("a magnet names infohash and tracker", parsed["xt"][0].startswith("urn:btih:") and parsed["tr"][0].endswith("/announce"), magnets[-1][0][:90])
    for path in (f"/live/{origin.ready['id']}/0/magnets.m3u8", urllib.parse.urlparse(magnets[-1][1]).path):
        headers, _ = ask(origin, path)
        report.check(f"CORS on {path.rsplit('/', 1)[1]}", headers.get("access-control-allow-origin") == "*")
    body = ask(origin, urllib.parse.urlparse(magnets[-1][1]).path)[1]
    report.check("chunks are the feed's bytes", any(file.read_bytes() == body for file in setting.feed.folder.glob("*.ts")))
    url = f"http://{origin.ready['http']}/live/{origin.ready['id']}/0/magnets.m3u8"
    said = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-t", "8", "-i", url, "-map", "0:v:0", "-f", "framemd5", "-"], capture_output=True, text=True, timeout=90)
    frames = sum(not line.startswith("#") for line in said.stdout.splitlines())
    report.check("a plain player plays the magnet playlist", said.returncode == 0 and frames >= 8 * 10, f"{frames} frames of 8 s {said.stderr[-200:]}")


def loop_mode(report, setting):
    folder = setting.folder / "finished"
    shutil.copytree(SAMPLE, folder)
    origin = setting.origin("loop", "--hls", str(folder), "--loop").await_ready()
    report.check("loop: a finished folder is live", eventually(LIVE_SECONDS, lambda: len(chunks(playlist(origin))) >= 4))
    newest = max(chunks(playlist(origin)))
    report.check("loop: it goes on round the wrap", eventually(2 * LIVE_SECONDS, lambda: max(chunks(playlist(origin))) > newest + SEGMENTS and "#EXT-X-DISCONTINUITY\n" in playlist(origin)))


def url_modes(report, setting):
    origins = {what: setting.origin(f"url-{way.split('/')[1]}", "--hls", setting.feed.url + way) for what, way in WAYS.items()}
    for what, origin in origins.items():
        origin.await_ready()
    for what, origin in origins.items():
        got = eventually(2 * LIVE_SECONDS, lambda: len(chunks(playlist(origin))) >= 4)
        listed = chunks(playlist(origin)) if got else []
        gapless = bool(listed) and listed == list(range(listed[0], listed[0] + len(listed)))
        report.check(f"by URL, {what}", got and gapless, f"{len(listed)} chunks, {setting.feed.asked}" if not got else "")
    master = origins["a master playlist"]
    report.check("a master's second rendition too", eventually(LIVE_SECONDS, lambda: len(chunks(playlist(master, rendition=1))) >= 3))
    for origin in origins.values():
        origin.stop()


def refusals(report, setting):
    feed = setting.feed
    for number, (what, (addition, words)) in enumerate(REFUSED.items()):
        feed.addition, feed.parts_only = addition or "", addition is None
        origin = setting.origin(f"refused-{number}", "--hls", f"{feed.url}/plain/list.m3u8").await_ready()
        said = eventually(LIVE_SECONDS, lambda: words in json.dumps(origin.status()["alarms"]))
        report.check(f"{what} is refused in plain words", said, json.dumps(origin.status()["alarms"])[:200])
        report.check(f"{what}: nothing of it is published", not origin.status()["streams"][0]["renditions"])
        feed.addition, feed.parts_only = "", False
        report.check(f"{what} that becomes a plain one is taken", eventually(LIVE_SECONDS, lambda: len(chunks(playlist(origin))) >= 2))
        origin.stop()


def own_output(report, setting):
    origin = setting.folder_origin
    url = f"http://{origin.ready['http']}/live/{origin.ready['id']}/0/magnets.m3u8"
    chained = setting.origin("chained", "--hls", url).await_ready()
    said = eventually(LIVE_SECONDS, lambda: "magnet playlist" in json.dumps(chained.status()["alarms"]))
    report.check("a magnet playlist is no feed", said, json.dumps(chained.status()["alarms"])[:200])
    chained.stop()


def viewer_page(report, setting, picture):
    tools, missing = installed(SCRIPTS, "gateway")
    if missing or not Path("/usr/bin/chromium").exists():
        report.skip("the viewer page in Chromium", missing or "no /usr/bin/chromium")
        return
    origin = setting.folder_origin
    command = ["node", "viewer_page.js", f"http://{origin.ready['http']}/", str(PAGE_SECONDS), picture]
    out = subprocess.run(command, cwd=tools, capture_output=True, text=True, timeout=150)
    seen = json.loads(out.stdout) if out.stdout.strip() else {"played": 0, "errors": [out.stderr[-300:]]}
    report.check("the page at / plays", seen["played"] >= PAGE_SECONDS and seen.get("width", 0) > 0, json.dumps(seen)[:600])
    report.check("and says how to carry the stream", origin.ready["id"] in seen.get("text", ""), picture)


if __name__ == "__main__":
    main()
