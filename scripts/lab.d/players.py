"""Players that are not ours at a running gateway while relays die and return, then without relays, then without anything."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from bucket_server import Bucket
from clients import LIVE_SECONDS, Report, Setting, at_least_three, eventually
from npm import installed
from owncast import FRAMES_PER_SECOND
from program import Gone, NotReady

SCRIPTS = Path(__file__).resolve().parent / "gateway"
LIVE_PLAYED = 180
HYBRID_PLAYED = 120
STEERED_PLAYED = 60
BUCKET_PLAYED = 30
KILL_EVERY = 30
AWAY_SECONDS = 12
FORGOTTEN_SECONDS = 60
SLACK_SECONDS = 90
LEAST_PLAYED = 0.98


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab players", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    parser.add_argument("--only", action="append", choices=[part.__name__ for part in PARTS], help="this part; repeatable")
    options = parser.parse_args()
    tools, missing = installed(SCRIPTS, "gateway")
    if missing:
        print(f"scripts/lab players: {missing}", file=sys.stderr)
        sys.exit(3)
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "lab")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "lab")
    folder = Path(tempfile.mkdtemp(prefix="lab-players-"))
    report, setting = Report(), None
    try:
        setting = Watching(folder, tools)
        if report.check("the gateway has something to play", eventually(LIVE_SECONDS, setting.is_well_carried)):
            for part in PARTS:
                if not options.only or part.__name__ in options.only:
                    report.attempt(part, setting)
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


class Watching(Setting):
    """An origin with a bucket, three relays and a gateway."""

    def __init__(self, folder, tools):
        self.tools = tools
        self.bucket = Bucket()
        super().__init__(folder, self.bucket.arguments())
        self.relays = [self.relay1, self.relay2, self.start_relay("relay3").await_ready()]

    def start_relay(self, name):
        return self.start(name, "relay", "--stream", self.key, "--no-port-mapping", "--dht-bootstrap", self.gateway.ready["dht"])

    def is_well_carried(self):
        relays = next(iter(self.ask(f"/relays.json?stream={self.key}")["streams"]))["offered"]
        return at_least_three(self.live_playlist()) and len(relays) == len(self.running_relays()) and sum(relay["upToDate"] for relay in relays) >= 2

    def running_relays(self):
        return [relay for relay in self.relays if relay.running()]

    def url(self, path, gateway=None):
        return f"http://{(gateway or self.gateway).ready['http']}{path}"

    def streams(self):
        return self.ask(f"/stream/tv/tributary%3A{self.key}.json")["streams"]

    def churn(self, until):
        """One relay after the other is killed, stays away, and comes back with its data, as long as `until` has not come."""
        deaths = 0
        while time.monotonic() + KILL_EVERY < until:
            pause(KILL_EVERY - AWAY_SECONDS)
            at = deaths % len(self.relays)
            self.relays[at].kill()
            deaths += 1
            pause(AWAY_SECONDS)
            self.relays[at] = self.start_relay(self.relays[at].name).await_ready()
        return deaths

    def stop(self):
        super().stop()
        self.bucket.stop()


def pause(seconds):
    time.sleep(seconds)  # the run's own pace: nothing is waited for


class Ffmpeg:
    """Plays a URL in real time; its frames' times must run on without a gap."""

    def __init__(self, name, url, seconds, folder):
        self._seconds = seconds
        self._frames, self._log = folder / f"{name}.frames", folder / f"{name}.log"
        command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-re", "-t", str(seconds), "-i", url]
        command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", str(self._frames)]
        with open(self._log, "w") as said:
            self._process = subprocess.Popen(command, stderr=said)

    def result(self):
        """(whether no frame is missing, what was seen)"""
        try:
            status = self._process.wait(self._seconds + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = None
        lines = self._frames.read_text().splitlines() if self._frames.exists() else []
        times = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
        steps = sorted({later - earlier for earlier, later in zip(times, times[1:])})
        wanted = self._seconds * FRAMES_PER_SECOND
        good = status == 0 and len(times) >= wanted - 1 and len(steps) == 1
        return good, f"{len(times)} of {wanted} frames, steps {steps[:4]}" + ("" if good else f", status {status}, {self._log.read_text()[-400:]}")


class HlsJs:
    """hls.js in headless Chromium."""

    def __init__(self, url, seconds, tools, give_up_seconds=20):
        self._seconds = seconds
        environment = {**os.environ, "GIVE_UP_MS": str(give_up_seconds * 1000)}
        command = ["node", "hls_player.js", url, str(seconds)]
        self._process = subprocess.Popen(command, cwd=tools, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self):
        try:
            out, said = self._process.communicate(timeout=self._seconds + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, said = self._process.communicate()
        return json.loads(out) if out.strip() else {"fatal": said[-400:], "stalls": [], "chunks": [], "played": 0, "wall": 0}


def smooth(seen, seconds):
    """Nothing fatal, no position frozen, no chunk left out, and as much played as time passed, but for moments too short to see."""
    chunks = seen["chunks"]
    gapless = bool(chunks) and sorted(set(chunks)) == list(range(min(chunks), max(chunks) + 1))
    return not seen["fatal"] and not seen["stalls"] and gapless and seen["played"] >= LEAST_PLAYED * seconds


def told(seen):
    errors = ", ".join(sorted(set(seen.get("errors", [])))) or "no error"
    return f"{seen['played']} s in {seen['wall']} s, {len(seen['chunks'])} chunks from {seen.get('hosts')}, stalls {seen['stalls']}, {errors}, longest tick {seen.get('longestTick')} ms" + (
        f", FATAL {seen['fatal']}" if seen["fatal"] else ""
    )


def live_goes_on_while_relays_die_and_return(report, setting):
    paths = {"master.m3u8": "with several ways", "0/live.m3u8": "with one variant and nothing else"}
    ffmpeg = Ffmpeg("live", setting.live_url(), LIVE_PLAYED, setting.folder)
    browsers = {what: HlsJs(setting.url(f"/live/{setting.key}/{path}"), LIVE_PLAYED, setting.tools) for path, what in paths.items()}
    deaths = setting.churn(time.monotonic() + LIVE_PLAYED)
    good, detail = ffmpeg.result()
    report.check(f"ffmpeg plays {LIVE_PLAYED} s of entry (a) with no frame missing over {deaths} deaths of relays", good, detail)
    for what, browser in browsers.items():
        seen = browser.result()
        report.check(f"hls.js {what} plays {LIVE_PLAYED} s of entry (a) without a stall over {deaths} deaths of relays", smooth(seen, LIVE_PLAYED), told(seen))
        report.check("and complains of no playlist", not [each for each in seen.get("errors", []) if each.startswith("level")], told(seen))


def hybrid_goes_on_while_relays_die_and_return(report, setting):
    report.check("all relays are back", eventually(LIVE_SECONDS, setting.is_well_carried))
    engine = subprocess.Popen(["node", "engine_server.js", str(setting.folder / "engine")], cwd=setting.tools, stdout=subprocess.PIPE, text=True)
    served = []
    try:
        port = engine.stdout.readline().split()[1]
        server = urllib.parse.quote(f"http://127.0.0.1:{port}", safe="")
        url = setting.url(f"/hybrid/{setting.key}/0/live.m3u8?server={server}")
        ffmpeg = Ffmpeg("hybrid", url, HYBRID_PLAYED, setting.folder)
        deaths = setting.churn(time.monotonic() + HYBRID_PLAYED)
        good, detail = ffmpeg.result()
    finally:
        engine.kill()
        served = [json.loads(line) for line in engine.stdout if line.startswith("{")]
    report.check(f"a replica of Stremio's engine stack feeds {HYBRID_PLAYED} s of entry (b) with no frame missing over {deaths} deaths", good, detail)
    slowest = max((each["milliseconds"] for each in served), default=0)
    times = sorted(each["milliseconds"] for each in served)
    median = times[len(times) // 2] if times else 0
    enough = len(served) >= HYBRID_PLAYED / 2 * 0.5
    report.check("at least half of its chunks came by BitTorrent", enough, f"{len(served)} chunks, median {median} ms, slowest {slowest} ms")


def steering_goes_on_without_the_gateway(report, setting):
    report.check("all relays are up to date", eventually(LIVE_SECONDS, setting.is_well_carried))
    other = setting.start("gateway2", "addon-gateway", "--stream", setting.key, *setting.bootstrap).await_ready()
    steering = f"/steer/{setting.key}.json"
    ways = eventually(LIVE_SECONDS, lambda: [way for way in json.loads(other.get(steering, "http"))["PATHWAY-PRIORITY"] if way.startswith("relay-")])
    report.check("the steering manifest names relays", ways, ways)
    browser = HlsJs(setting.url(f"/live/{setting.key}/master.m3u8", other), STEERED_PLAYED, setting.tools)
    pause(STEERED_PLAYED / 3)
    other.kill()
    seen = browser.result()
    report.check("hls.js goes on by a relay's own playlist once the gateway is killed", smooth(seen, STEERED_PLAYED), told(seen))


def bucket_plays_without_relays(report, setting):
    for relay in setting.running_relays():
        relay.kill()
    entry = eventually(FORGOTTEN_SECONDS, lambda: next((each for each in setting.streams() if each["name"] == "Fallback"), None))
    if not report.check("with all relays dead the bucket is an entry", entry):
        return
    only_bucket = eventually(FORGOTTEN_SECONDS, lambda: not [line for line in setting.live_playlist().splitlines() if line.startswith("http") and not line.startswith(setting.bucket.url)])
    report.check("and the live entry names the bucket alone", only_bucket)
    players = [Ffmpeg("bucket", entry["url"], BUCKET_PLAYED, setting.folder), Ffmpeg("live-by-bucket", setting.live_url(), BUCKET_PLAYED, setting.folder)]
    for name, player in zip(("the bucket's entry", "the live entry"), players):
        good, detail = player.result()
        report.check(f"{name} plays {BUCKET_PLAYED} s with all relays dead", good, detail)


def list_explains_itself_with_everything_dead(report, setting):
    for relay in setting.running_relays():
        relay.kill()
    setting.origin.kill()
    setting.bucket.stop()
    began = time.monotonic()
    entries = eventually(4 * LIVE_SECONDS, lambda: explained(setting.streams()))
    report.check("with everything dead the list explains itself", entries, f"{time.monotonic() - began:.0f} s later: {entries}")


def explained(streams):
    alone = len(streams) == 1 and "externalUrl" in streams[0] and "url" not in streams[0]
    return streams[0]["description"] if alone else None


PARTS = (
    live_goes_on_while_relays_die_and_return,
    hybrid_goes_on_while_relays_die_and_return,
    steering_goes_on_without_the_gateway,
    bucket_plays_without_relays,
    list_explains_itself_with_everything_dead,
)

if __name__ == "__main__":
    main()
