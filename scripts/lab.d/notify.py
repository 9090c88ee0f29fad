"""A gateway without a DHT that hears of a stream by /notify alone, on loopback: restarts and kill -9 on both ends, and a change of keys."""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import feed
from clients import LOOPBACK, Report
from program import JAVA, Gone, NotReady, Program, jar, stop_all, write_statuses
from standby import BITS_PER_SECOND, ENCODED_SEGMENTS, SEGMENT_SECONDS, eventually, numbers

KILLS = 8


class Setting:
    """An origin and a relay that link to one another, and a gateway that is told of neither."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []
        self.feed = feed.Feed(feed.encoded(folder.parent, BITS_PER_SECOND, SEGMENT_SECONDS, ENCODED_SEGMENTS), folder / "hls")
        self.gateway = self.start("gateway", "addon-gateway", "--open").await_ready()
        self.gateway_at = self.gateway.ready["tcp"]
        self.origin = None
        self.relay = None
        self.key = None

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *LOOPBACK, "--no-dht"], self.folder))
        return self.programs[-1]

    def start_origin(self):
        peers = ["--peer", self.relay.ready["tcp"]] if self.relay else []
        pinned = f"ws://{self.gateway_at}/notify#{self.gateway.ready['id']}"
        self.origin = self.start("origin", "origin", "--hls", str(self.folder / "hls"), "--notify", pinned, *peers).await_ready()
        self.key = self.origin.ready["id"]

    def start_relay(self):
        self.relay = self.start("relay", "relay", "--stream", self.key, "--peer", self.origin.ready["tcp"]).await_ready()

    def start_gateway(self):
        port = ["--port", self.gateway_at.rsplit(":", 1)[1]]
        arguments = [part for part in LOOPBACK if part != "--no-dht"]
        at = arguments.index("--port")
        self.programs.append(Program("gateway", "addon-gateway", ["--open", *arguments[:at], *port, *arguments[at + 2 :], "--no-dht"], self.folder))
        self.gateway = self.programs[-1].await_ready()

    def listed(self, key=None):
        return numbers(self.gateway.get(f"/live/{key or self.key}/0/live.m3u8", "http").decode())

    def stop(self):
        self.feed.stop()
        stop_all(self.programs)


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab notify", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how often the origin is killed at a random moment ({KILLS})")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lab-notify-"))
    report, setting = Report(), None
    try:
        setting = Setting(folder)
        setting.start_origin()
        setting.start_relay()
        if report.check("a gateway without a DHT serves what is pushed to it", eventually(lambda: len(setting.listed()) >= 3)):
            for part in (gateway_is_killed, lambda r, s: origin_is_killed(r, s, options), key_is_rotated, key_is_revoked):
                part(report, setting)
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


def gateway_is_killed(report, setting):
    before = max(setting.listed())
    setting.gateway.kill()
    began = time.monotonic()
    setting.start_gateway()
    ready = time.monotonic()
    resumed = eventually(lambda: max(setting.listed(), default=0) >= before)
    after = time.monotonic() - ready
    report.check("a gateway that was killed is told again", resumed, f"{after:.1f} s after READY, which took {ready - began:.1f} s")
    listed = setting.listed()
    gapless = listed == list(range(listed[0], listed[0] + len(listed)))
    report.check("without a gap", gapless and len(listed) >= 5, f"behind {before}: {listed}")


def origin_is_killed(report, setting, options):
    """kill -9 at random moments: nothing that was announced is lost, and no number is used twice."""
    moments = random.Random(options.seed)
    hashes = {}
    for _ in range(options.kills):
        time.sleep(moments.uniform(0.2, 3 * SEGMENT_SECONDS))
        remember(hashes, setting)
        setting.origin.kill()
        setting.start_origin()
        newest = max(hashes)
        if not eventually(lambda: remember(hashes, setting) and max(hashes) > newest):
            report.check("the stream goes on behind a kill", False, f"behind {newest}")
            return
    report.check(f"no number is used twice in {options.kills} kills", all(len(records) == 1 for records in hashes.values()), f"{len(hashes)} numbers")
    report.check("no number is left out", sorted(hashes) == list(range(min(hashes), max(hashes) + 1)))
    forks = setting.relay.status()["streams"][0]["forks"]
    report.check("no fork is seen", forks == [], json.dumps(forks))
    held = eventually(lambda: all(chunk["held"] for chunk in chunks(setting)[:-1]))
    report.check("every chunk that was announced is held by the relay", held)


def chunks(setting):
    return setting.relay.status()["streams"][0]["renditions"][0]["chunks"]


def remember(hashes, setting):
    for chunk in chunks(setting):
        hashes.setdefault(chunk["seq"], set()).add((chunk["bytes"], chunk["startMillis"]))
    return hashes


def key_is_rotated(report, setting):
    old, data = setting.key, str(setting.folder / "origin")
    setting.origin.stop()
    rotate = subprocess.run([JAVA, "-jar", str(jar("origin")), "rotate", "--data", data], check=True, capture_output=True, text=True)
    fresh = rotate.stdout.strip()
    setting.start_origin()
    report.check("the origin goes on with the new key", setting.key == fresh != old, fresh)

    def follows():
        return any(stream["key"] == fresh and stream["renditions"] for stream in setting.relay.status()["streams"])

    report.check("the relay follows by itself", eventually(follows))
    report.check("the gateway lists the new stream", eventually(lambda: len(setting.listed(fresh)) >= 3))
    newest = setting.feed.segments[-1].name

    def old_link_plays():
        text = setting.relay.get(f"/live/{old}/0/live.m3u8", "http").decode()
        return numbers(text) and max(numbers(text)) in {chunk["seq"] for stream in setting.relay.status()["streams"] if stream["key"] == fresh for chunk in stream["renditions"][0]["chunks"]}

    report.check("at the relay the old link plays the new stream", eventually(old_link_plays), f"newest segment {newest}")

    def old_id_plays():
        listed = setting.listed(old)
        return listed and listed == setting.listed(fresh)

    report.check("at the gateway the old id plays it too, though nobody listed either", eventually(old_id_plays))


def key_is_revoked(report, setting):
    """The key is declared dead and no origin is started for it: its last words alone are said."""
    dead, data = setting.key, str(setting.folder / "origin")
    setting.origin.stop()
    subprocess.run([JAVA, "-jar", str(jar("origin")), "revoke", "--yes", "--data", data], check=True, capture_output=True, text=True)
    words = ["--last-words", "--notify", f"ws://{setting.gateway_at}/notify#{setting.gateway.ready['id']}", "--peer", setting.relay.ready["tcp"]]
    saying = setting.start("origin", "origin", *words).await_ready()

    def knows(program):
        return any(stream["key"] == dead and "revoked" in stream.get("keyEnd", "") for stream in program.status()["streams"])

    report.check("--last-words tells the relay that the key is revoked", eventually(lambda: knows(setting.relay)))
    report.check("and the gateway", eventually(lambda: knows(setting.gateway)))
    saying.stop()
    setting.relay.stop()
    setting.relay = setting.start("relay", "relay", "--stream", dead).await_ready()
    report.check("a relay that starts again still knows it, with nobody left to say so", eventually(lambda: knows(setting.relay)))


if __name__ == "__main__":
    main()
