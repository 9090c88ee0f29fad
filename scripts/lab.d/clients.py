"""Clients that are not ours against the real jars on loopback: a real feed goes in, and what comes out is compared with it."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
from pathlib import Path

from owncast import FRAMES_PER_SECOND, OwncastFeed
from program import JAVA, ROOT, Gone, NotReady, Program, jar, stop_all, write_statuses

CLIENTS = Path(__file__).resolve().parent / "clients"
ENGINE = ROOT / "target" / "lab" / "engine"
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--dht-port", "0", "--admin", "127.0.0.1:0", "--dht-private"]
LIVE_SECONDS = 60
WINDOW_SECONDS = 120
FETCH_SECONDS = 120
PLAYED_SECONDS = 60
KILL_AFTER_SECONDS = 20
STOP_SECONDS = 5
READY_CPU_SECONDS = 2
POLL_SECONDS = 0.5


class Report:
    """Each check as it is made, and whether all held."""

    def __init__(self):
        self.failed = []

    def check(self, what, good, detail=""):
        print(f"{'PASS' if good else 'FAIL'} {what}{f': {detail}' if detail else ''}", flush=True)
        if not good:
            self.failed.append(what)
        return good

    def attempt(self, part, setting):
        """Makes a part's checks; an answer that fails them in a way of its own is a failure too, and the next part goes on."""
        try:
            part(self, setting)
        except (OSError, ValueError, KeyError) as failure:
            self.check(part.__name__.replace("_", " "), False, repr(failure))
        if self.failed:
            write_statuses(setting.programs, setting.folder)

    def skip(self, what, why):
        print(f"SKIP {what}: {why}", flush=True)


class Setting:
    """The feed and the programs of one run; `origin_also` are more arguments of the origin."""

    def __init__(self, folder, origin_also=()):
        self.folder = folder
        self.feed = OwncastFeed(folder / "hls")
        self.programs = []
        self.origin = self.start("origin", "origin", "--hls", str(folder / "hls"), "--name", "Lab", *origin_also).await_ready()
        self.key = self.origin.ready["id"]
        self.bootstrap = ["--dht-bootstrap", self.origin.ready["dht"]]
        joining = [
            self.start("relay1", "relay", "--stream", self.key, "--no-port-mapping", *self.bootstrap),
            self.start("relay2", "relay", "--stream", self.key, "--no-port-mapping", *self.bootstrap),
            self.start("gateway", "addon-gateway", "--stream", self.key, *self.bootstrap),
        ]
        self.relay1, self.relay2, self.gateway = [program.await_ready() for program in joining]

    def start(self, name, module, *arguments, port="0"):
        loopback = ["--bind", "127.0.0.1", "--port", port, *LOOPBACK[LOOPBACK.index("--dht-port") :]]
        self.programs.append(Program(name, module, [*arguments, *loopback], self.folder))
        return self.programs[-1]

    def restart_origin(self, *also):
        """The origin again, on its own state; it finds the mesh by a relay's DHT node."""
        again = ["--hls", str(self.folder / "hls"), "--name", "Lab", "--dht-bootstrap", self.relay2.ready["dht"], *also]
        self.origin = self.start("origin", "origin", *again).await_ready()

    def ask(self, path):
        """A JSON answer of the gateway."""
        return json.loads(self.gateway.get(path, "http"))

    def live_url(self):
        return f"http://{self.gateway.ready['http']}/live/{self.key}/0/live.m3u8"

    def live_playlist(self):
        return self.gateway.get(f"/live/{self.key}/0/live.m3u8", "http").decode()

    def stop(self):
        self.feed.stop()
        stop_all(self.programs)


def main():
    options = parsed()
    folder = Path(tempfile.mkdtemp(prefix="lab-clients-"))
    report, setting = Report(), None
    try:
        setting = Setting(folder)
        starts_quickly(report, setting)
        if playlist_appears(report, setting):
            for part in PARTS:
                if options.only in (None, part.__name__):
                    report.attempt(part, setting)
        flags_are_checked(report)
        programs_stop(report, setting)
    except (NotReady, Gone) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        if setting:
            setting.stop()
        if report.failed or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"{len(report.failed)} failed{': ' + '; '.join(report.failed) if report.failed else ''}")
    sys.exit(1 if report.failed else 0)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/lab clients", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    parser.add_argument("--only", choices=[part.__name__ for part in PARTS], help="one part of it, for a first look")
    return parser.parse_args()


def starts_quickly(report, setting):
    for program in setting.programs:
        used = program.start_cpu_seconds
        report.check(f"{program.name} is READY within {READY_CPU_SECONDS} s of CPU", used < READY_CPU_SECONDS, f"{used:.2f} s")


def playlist_appears(report, setting):
    began = time.monotonic()
    playlist = eventually(LIVE_SECONDS, lambda: at_least_three(setting.live_playlist()))
    return report.check("the gateway's live playlist appears", playlist, f"{time.monotonic() - began:.1f} s after READY")


def at_least_three(playlist):
    return playlist if playlist.count("#EXTINF") >= 3 else None


def relays_link(report, setting):
    """By the DHT alone: neither relay was told of the other, nor of the origin's port."""

    def linked(relay):
        return {other["key"] for stream in relay.status()["streams"] for other in stream["relays"] if other["linked"]}

    def both():
        first, second = linked(setting.relay1), linked(setting.relay2)
        others = setting.relay2.ready["id"] in first and setting.relay1.ready["id"] in second
        return others and len(first) >= 2 and len(second) >= 2

    report.check("both relays link to each other and to the origin", eventually(LIVE_SECONDS, both))


def add_on_answers(report, setting):
    manifest = setting.ask("/manifest.json")
    resources = {entry if isinstance(entry, str) else entry["name"] for entry in manifest["resources"]}
    report.check("the manifest has catalog, meta and stream", {"catalog", "meta", "stream"} <= resources)
    catalog = setting.ask("/catalog/tv/live-streams.json")
    report.check("the catalog lists the stream", any(meta["id"] == f"tributary:{setting.key}" for meta in catalog["metas"]))
    meta = setting.ask(f"/meta/tv/tributary%3A{setting.key}.json")
    report.check("the meta answer is the stream's", meta.get("meta", {}).get("id") == f"tributary:{setting.key}")


def clients_fetch_a_window(report, setting):
    began = time.monotonic()
    window = eventually(WINDOW_SECONDS, lambda: offered_window(setting))
    detail = f"{time.monotonic() - began:.0f} s later"
    if not report.check("a window is offered", window, detail):
        return
    trackers = [source[len("tracker:"):] for source in window["sources"] if source.startswith("tracker:")]
    report.check("the window names both relays as trackers", len(trackers) >= 2, " ".join(trackers))
    magnet = magnet_of(window["infoHash"], trackers)
    for name, prepare in (*CLIENTS_OF_MAGNETS, ("torrent-stream with peer-search", engine)):
        fetches(report, setting, name, "the window", prepare, magnet, window)


def clients_fetch_a_chunk(report, setting):
    """The newest chunk as a torrent of its own, by one relay's tracker."""
    magnet = magnet_of(newest_chunk(setting), [f"http://{setting.relay2.ready['http']}/announce"])
    for name, prepare in CLIENTS_OF_MAGNETS:
        fetches(report, setting, name, "a chunk", prepare, magnet, None)


def magnet_of(infohash, trackers):
    return f"magnet:?xt=urn:btih:{infohash}" + "".join(f"&tr={urllib.parse.quote(url, safe='')}" for url in trackers)


def fetches(report, setting, name, what, prepare, magnet, window):
    target = setting.folder / re.sub(r"\W+", "-", f"{name} {what}")
    command, missing = prepare(magnet, window, target)
    if missing:
        report.skip(name, missing)
    else:
        fetched_equal(report, setting, name, what, command, target)


def offered_window(setting):
    streams = setting.ask(f"/stream/tv/tributary%3A{setting.key}.json")["streams"]
    return next((stream for stream in streams if "infoHash" in stream), None)


def newest_chunk(setting):
    """The infohash of the newest chunk's own torrent."""
    playlist = setting.origin.get(f"/live/{setting.key}/0/magnets.m3u8", "http").decode()
    return re.findall(r"urn:btih:([0-9a-f]{40})", playlist)[-1]


def aria2(magnet, window, target):
    if shutil.which("aria2c") is None:
        return None, "aria2c is not installed"
    silent = ["--summary-interval=0", "--console-log-level=error", "--allow-overwrite=true"]
    alone = ["--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false"]
    return ["aria2c", "-d", str(target), *alone, *silent, "--seed-time=0", f"--bt-stop-timeout={FETCH_SECONDS}", magnet], None


def aria2_encrypted(magnet, window, target):
    command, missing = aria2(magnet, window, target)
    return command and [*command, "--bt-require-crypto=true", "--bt-min-crypto-level=arc4"], missing


def libtorrent(magnet, window, target, encryption="default"):
    for python in ("/usr/bin/python3", sys.executable):
        if subprocess.run([python, "-c", "import libtorrent"], capture_output=True).returncode == 0:
            return [python, str(CLIENTS / "libtorrent_fetch.py"), magnet, str(target), str(FETCH_SECONDS), encryption], None
    return None, "python3-libtorrent is not installed"


def transmission(magnet, window, target):
    if shutil.which("transmission-daemon") is None:
        return None, "transmission-daemon is not installed"
    return [sys.executable, str(CLIENTS / "transmission_fetch.py"), magnet, str(target), str(FETCH_SECONDS)], None


CLIENTS_OF_MAGNETS = (
    ("aria2", aria2),
    ("aria2, which requires RC4,", aria2_encrypted),
    ("libtorrent", libtorrent),
    ("libtorrent, which requires RC4,", lambda *what: libtorrent(*what, "rc4")),
    ("libtorrent, which requires the encrypted handshake,", lambda *what: libtorrent(*what, "handshake")),
    ("Transmission, which requires encryption,", transmission),
)


def engine(magnet, window, target):
    """Stremio's engine stack; installed once, into target/."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            return None, f"{tool} is not installed"
    if not (ENGINE / "node_modules" / "peer-search").exists():
        ENGINE.mkdir(parents=True, exist_ok=True)
        shutil.copy(CLIENTS / "package.json", ENGINE)
        installed = subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=ENGINE, capture_output=True, text=True)
        if installed.returncode != 0:
            return None, f"npm could not install it: {installed.stderr.strip().splitlines()[-1:]}"
    script = shutil.copy(CLIENTS / "engine_fetch.js", ENGINE)
    return ["node", str(script), json.dumps(window), str(target), str(FETCH_SECONDS)], None


def fetched_equal(report, setting, name, what, command, target):
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=FETCH_SECONDS + 30)
        status, said = done.returncode, (done.stdout + done.stderr).strip()[-300:]
    except subprocess.TimeoutExpired:
        status, said = None, "hangs"
    equal, other = setting.feed.equal_and_other(target) if target.exists() else (0, 0)
    good = status == 0 and equal > 0 and other == 0
    detail = f"{equal} segments equal, {other} not, {time.monotonic() - began:.1f} s{'' if good else f', status {status}, {said}'}"
    report.check(f"{name} fetches {what} byte-equal", good, detail)


def plays_while_a_relay_dies(report, setting):
    """ffmpeg is the player: its frames' digests are counted, and their times must run on without a gap."""
    frames, log = setting.folder / "frames", setting.folder / "player.log"
    command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-t", str(PLAYED_SECONDS), "-i", setting.live_url()]
    command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", str(frames)]
    with open(log, "w") as said:
        player = subprocess.Popen(command, stderr=said)
    try:
        player.wait(KILL_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # as it should: it plays
    setting.relay1.kill()
    try:
        status = player.wait(2 * PLAYED_SECONDS)
    except subprocess.TimeoutExpired:
        player.kill()
        status = None
    times = [int(line.split(",")[2]) for line in frames.read_text().splitlines() if not line.startswith("#")] if frames.exists() else []
    steps = {later - earlier for earlier, later in zip(times, times[1:])}
    wanted = PLAYED_SECONDS * FRAMES_PER_SECOND
    good = status == 0 and len(times) >= wanted - 1 and len(steps) == 1
    detail = f"{len(times)} of {wanted} frames, steps {sorted(steps)[:4]}"
    if not good:
        detail += f", status {status}, {log.read_text()[-500:]}"
    report.check("ffmpeg plays a minute with no frame missing while one of two relays is killed", good, detail)


def origin_continues(report, setting):
    before = numbers(setting.live_playlist())
    status, seconds = setting.origin.stop()
    report.check("the origin stops in order", status == 0 and seconds <= STOP_SECONDS, f"status {status}, {seconds:.1f} s")
    setting.restart_origin()

    def continued():
        playlist = setting.live_playlist()
        return playlist if numbers(playlist)[-1] > before[-1] + 2 else None

    after = eventually(LIVE_SECONDS, continued)
    if report.check("after a restart the stream goes on in a new term", after):
        report.check("the encoder ran on, so viewers see no break", "#EXT-X-DISCONTINUITY\n" not in after)
        listed = numbers(after)
        gapless = listed == list(range(listed[0], listed[0] + len(listed)))
        report.check("numbers run on across terms", gapless and listed[-1] > before[-1] >= listed[0] - 1, f"{before[-1]} → {listed}")


def numbers(playlist):
    """The seq of each chunk that a playlist lists."""
    return [int(number) for number in re.findall(r"/(\d+)(?:-[0-9a-f]+)?\.ts\S*$", playlist, re.MULTILINE)]


def flags_are_checked(report):
    for module in ("origin", "relay", "addon-gateway"):
        told = subprocess.run([JAVA, "-jar", str(jar(module)), "--nonsense", "1"], capture_output=True, text=True)
        lines = told.stderr.strip().splitlines()
        report.check(f"{module} refuses an unknown flag with exit 2 and one line", told.returncode == 2 and len(lines) == 1, lines[0] if lines else "")


def programs_stop(report, setting):
    for program in (setting.relay2, setting.gateway, setting.origin):
        if report.check(f"{program.name} still runs", program.running()):
            status, seconds = program.stop()
            report.check(f"{program.name} stops within {STOP_SECONDS} s", status == 0 and seconds <= STOP_SECONDS, f"status {status}, {seconds:.1f} s")


def eventually(seconds, fact, every=POLL_SECONDS):
    """What `fact` gives once that is true; None where it is not within so many seconds. A refused question counts as not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = fact()
            if found:
                return found
        except (OSError, urllib.error.URLError, ValueError):
            pass
        time.sleep(every)
    return None


PARTS = (relays_link, add_on_answers, clients_fetch_a_window, clients_fetch_a_chunk, plays_while_a_relay_dies, origin_continues)


if __name__ == "__main__":
    main()
