"""The gateway beside the Express-based add-on SDK: the same bytes for the same questions, in turns; CPU seconds of the servers are what counts."""

import argparse
import gzip
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lab.d"))
from npm import installed  # noqa: E402

HERE = Path(__file__).resolve().parent / "gateway"
REFERENCE = "stremio-addon-sdk 1.6.10 (Express)"
CONNECTIONS = 64
WARM_SECONDS = 2
MOST_WARMS = 12
WARM_WITHIN = 0.04
NETWORKS = 300
COMPARED = 200
# name, what is asked, networks that viewers come from
CASES = (
    ("manifest", "manifest", NETWORKS),
    ("catalog", "catalog", NETWORKS),
    ("catalog, uncompressed", "plain", NETWORKS),
    ("meta", "meta", NETWORKS),
    ("streams", "stream", NETWORKS),
    ("streams, of networks never seen", "stream", 50_000),
    ("mix", "mix", NETWORKS),
)


def main():
    options = parsed()
    tools, missing = installed(HERE, "bench-gateway")
    for tool, why in (("cc", "cc is not installed: the load generator is a C program"), ("java", "java is not installed")):
        missing = missing or (None if shutil.which(tool) else why)
    if missing:
        print(f"scripts/bench gateway: {missing}", file=sys.stderr)
        sys.exit(3)
    folder = Path(tempfile.mkdtemp(prefix="bench-gateway-"))
    servers = []
    try:
        subprocess.run(["cc", "-O2", "-o", str(folder / "load"), str(HERE.parent / "gateway_load.c"), "-lm"], check=True)
        gateway = Gateway(options.streams, options.relays, folder / "picks")
        servers.append(gateway)
        (folder / "ids").write_text("\n".join(gateway.ids) + "\n")
        (folder / "answers.json").write_text(json.dumps(gateway.answers(options.relays)))
        sdk = Server(["node", "addon_sdk.js", str(folder / "answers.json"), str(folder / "picks")], tools)
        servers.append(sdk)
        compare(gateway, sdk, random.Random(options.seed))
        gateway.begin()
        measure(gateway, sdk, folder, options)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/bench gateway", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seed", type=int, default=1, help="of the questions")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--relays", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each server in each round")
    parser.add_argument("--case", help="only those whose name has this in it")
    return parser.parse_args()


class Server:
    """A server under test that says READY with its port."""

    def __init__(self, command, folder):
        self._process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line("READY ").split()[1])
        self._viewers = itertools.count()

    def _line(self, beginning):
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line
        raise SystemExit(f"bench: the server ended with {self._process.wait()} before {beginning}")

    @property
    def pid(self):
        return self._process.pid

    def resident_megabytes(self):
        return int(next(line for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def get(self, path, viewer=None, encoding="identity"):
        """The bytes of an answer to `viewer`, or to one of many: one's share is soon used up."""
        headers = {"accept-encoding": encoding, "x-forwarded-for": viewer or f"31.0.{next(self._viewers) // 200}.{1 + next(self._viewers) % 200}"}
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers), timeout=30) as answer:
            body = answer.read()
            return gzip.decompress(body) if answer.headers.get("content-encoding") == "gzip" else body

    def stop(self):
        self._process.kill()
        self._process.wait()


class Gateway(Server):
    def __init__(self, streams, relays, picks):
        classes = f"{ROOT}/addon-gateway/target/test-classes"
        jar = f"{ROOT}/addon-gateway/target/addon-gateway.jar"
        tests = f"{ROOT}/protocol/target/test-classes"
        super().__init__(["java", "-Xmx1g", "-cp", f"{classes}:{tests}:{jar}", "live.tributary.gateway.GatewayBench", str(streams), str(relays), str(NETWORKS), str(picks)], ROOT)
        self.ids = []
        for line in self._process.stdout:
            if line.startswith("END"):
                break
            self.ids.append(line.strip())

    def answers(self, relays):
        """All that the other server needs to give the same answers."""
        quoted = {each: urllib.parse.quote(each, safe="") for each in self.ids}
        addresses = [f"20.{relay // 200}.{relay % 200}.1:7001" for relay in range(relays)]
        return {
            "ids": self.ids,
            "trackers": [{scheme: f"tracker:{scheme}://{address}/announce" for scheme in ("http", "udp")} for address in addresses],
            "manifest": json.loads(self.get("/manifest.json")),
            "catalog": json.loads(self.get("/catalog/tv/live-streams.json")),
            "metas": {each: json.loads(self.get(f"/meta/tv/{path}.json")) for each, path in quoted.items()},
            "streams": {each: json.loads(self.get(f"/stream/tv/{path}.json")) for each, path in quoted.items()},
        }

    def begin(self):
        """From now on the streams go on: new chunks each 4 s, a new window each 30 s."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()


def compare(gateway, sdk, seeded):
    """The same bytes from both for the same question of the same viewer, or there is nothing to measure."""
    for _ in range(COMPARED):
        stream = urllib.parse.quote(seeded.choice(gateway.ids), safe="")
        path = seeded.choice(["/manifest.json", "/catalog/tv/live-streams.json", f"/meta/tv/{stream}.json", *[f"/stream/tv/{stream}.json"] * 3])
        network = seeded.randrange(NETWORKS)
        viewer = f"30.{network // 250}.{network % 250}.{seeded.randint(1, 250)}"
        wanted = sdk.get(path, viewer)
        if gateway.get(path, viewer) != wanted or gateway.get(path, viewer, "gzip") != wanted:
            raise SystemExit(f"bench: not the same answer to {path} for {viewer}: {gateway.get(path, viewer)[:2000]} {sdk.get(path, viewer)[:2000]}")


def load(server, folder, what, networks, seconds, rate=0):
    """What the load generator says of one run; at `rate` requests a second, or as many as come back where it is 0."""
    load.seed += 1
    command = [folder / "load", server.port, server.pid, what, folder / "ids", networks, seconds, CONNECTIONS, rate, load.seed]
    said = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    if said.returncode != 0:
        raise SystemExit(f"bench: the load generator failed: {said.stderr[-500:]}")
    return json.loads(said.stdout)


def measure(gateway, sdk, folder, options):
    table = Table(options.json, options.rounds)
    load.seed = options.seed
    for name, what, networks in CASES:
        if options.case and options.case not in name:
            continue
        for server in (gateway, sdk):
            warm(server, folder, what, networks)
        ours, theirs = [], []
        for _ in range(options.rounds):
            for server, figures in ((gateway, ours), (sdk, theirs)):
                said = load(server, folder, what, networks, options.seconds)
                figures.append(said["answers"] / said["cpu"])
        table.row(f"{name}: requests per CPU second", statistics.median(ours), "1/s", statistics.median(theirs))
    if not options.case or options.case in "mix":
        ours, theirs = ([at_half(server, folder, options.seconds) for _ in range(options.rounds)] for server in (gateway, sdk))
        table.row("mix: p99 at half of its maximum", *pair("p99", ours, theirs))
        table.row("mix: p50 at half of its maximum", *pair("p50", ours, theirs))
        rates = [statistics.median(each["answers"] / each["seconds"] for each in figures) for figures in (ours, theirs)]
        table.row("mix: requests per second then", rates[0], "1/s", rates[1])
    table.row("resident", gateway.resident_megabytes(), "MB", sdk.resident_megabytes())


def warm(server, folder, what, networks):
    """Until two runs in a row cost the same: what a virtual machine still compiles, it compiles once."""
    before = 0
    for _ in range(MOST_WARMS):
        said = load(server, folder, what, networks, WARM_SECONDS)
        now = said["answers"] / said["cpu"]
        if abs(now - before) < WARM_WITHIN * now:
            return
        before = now


def pair(what, ours, theirs):
    """Of a latency."""
    ours, theirs = (statistics.median(each[what] for each in figures) for figures in (ours, theirs))
    return ours, "ms", theirs


def at_half(server, folder, seconds):
    """An open loop at half of what a closed one just got: requests fall due whatever the server does, and count from then."""
    most = load(server, folder, "mix", NETWORKS, seconds)
    return load(server, folder, "mix", NETWORKS, seconds, rate=most["answers"] / most["seconds"] / 2)


class Table:
    def __init__(self, as_json, rounds):
        self._json, self._rounds = as_json, rounds
        if not as_json:
            print(f"{'':44}{'gateway':>14}{'':5}  {REFERENCE:>36}   ratio")

    def row(self, name, value, unit, reference):
        ratio = value / reference
        if self._json:
            line = {"name": name, "value": round(value, 3), "unit": unit, "reference": REFERENCE, "reference_value": round(reference, 3)}
            print(json.dumps({**line, "ratio": round(ratio, 3), "rounds": self._rounds}), flush=True)
        else:
            print(f"{name:44}{value:14,.2f} {unit:4}  {reference:36,.2f}   {ratio:5.2f}", flush=True)


if __name__ == "__main__":
    main()
