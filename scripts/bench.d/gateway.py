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
WARM_SECONDS = 8
NETWORKS = 300
COMPARED = 200
TICKS = os.sysconf("SC_CLK_TCK")
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
    for tool, why in (("wrk", "wrk is not installed"), ("java", "java is not installed")):
        missing = missing or (None if shutil.which(tool) else why)
    if missing:
        print(f"scripts/bench gateway: {missing}", file=sys.stderr)
        sys.exit(3)
    folder = Path(tempfile.mkdtemp(prefix="bench-gateway-"))
    servers = []
    try:
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
    parser.add_argument("--seed", type=int, default=1, help="of the questions whose answers are compared; those under load are random anyway")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--relays", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each server in each round")
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

    def cpu_seconds(self):
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

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


def load(server, folder, what, networks, seconds, connections=CONNECTIONS, pause=0):
    """(requests, seconds, p50 ms, p99 ms, CPU seconds of the server)"""
    before = server.cpu_seconds()
    command = ["wrk", "-t1", "--timeout", "10s", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "requests.lua"), f"http://127.0.0.1:{server.port}"]
    said = subprocess.run([*command, "--", what, str(folder / "ids"), str(networks), str(pause)], capture_output=True, text=True)
    used = server.cpu_seconds() - before
    result = [line.split()[1:] for line in said.stdout.splitlines() if line.startswith("RESULT")]
    if said.returncode != 0 or not result or int(result[0][4]) > 0:
        raise SystemExit(f"bench: wrk failed: {said.stdout[-500:]}{said.stderr[-500:]}")
    requests, micros, p50, p99, _ = result[0]
    return int(requests), int(micros) / 1e6, float(p50), float(p99), used


def measure(gateway, sdk, folder, options):
    table = Table(options.json, options.rounds)
    for name, what, networks in CASES:
        load(gateway, folder, what, networks, WARM_SECONDS)
        load(sdk, folder, what, networks, WARM_SECONDS // 2)
        ours, theirs = [], []
        for _ in range(options.rounds):
            for server, figures in ((gateway, ours), (sdk, theirs)):
                requests, _, _, _, used = load(server, folder, what, networks, options.seconds)
                figures.append(requests / used)
        table.row(f"{name}: requests per CPU second", statistics.median(ours), "1/s", statistics.median(theirs))
    for name, server, other in (("gateway", gateway, sdk),):
        ours = at_half(server, folder, options.seconds)
        theirs = at_half(other, folder, options.seconds)
        table.row("mix: p99 at half of its maximum", ours[1], "ms", theirs[1])
        table.row("mix: requests per second then", ours[0], "1/s", theirs[0])
    table.row("resident", gateway.resident_megabytes(), "MB", sdk.resident_megabytes())


def at_half(server, folder, seconds):
    """(requests a second, p99 ms) where as many connections as at the maximum each wait long enough to halve it."""
    requests, took, _, _, _ = load(server, folder, "mix", NETWORKS, seconds)
    pause = round(CONNECTIONS / (requests / took / 2) * 1000)
    requests, took, _, p99, _ = load(server, folder, "mix", NETWORKS, seconds, pause=max(1, pause))
    return requests / took, p99


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
            print(f"{name:44}{value:14,.1f} {unit:4}  {reference:36,.1f}   {ratio:5.2f}", flush=True)


if __name__ == "__main__":
    main()
