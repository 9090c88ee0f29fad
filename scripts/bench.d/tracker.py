"""The relay's trackers beside opentracker and the node tracker: CPU seconds an announce, in interleaved rounds; idle connections held.

The relay is the jar itself. It carries a stream whose records came over the mesh, and the announces are for that stream's torrents;
expiry, connection ids and metrics are on, as always. CPU time is the process's own clock, so what else runs here counts little; server and
load have a processor each.
"""

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab.d"))
from program import JAVA, ROOT, Program, compiler_seconds, stop_all  # noqa: E402
from wire import die_with_parent  # noqa: E402

HERE = Path(__file__).resolve().parent
NODE = ROOT / "target" / "bench" / "node"
NODE_TRACKER = "bittorrent-tracker@11.2.3"
NODE_SERVER = """
import Server from 'bittorrent-tracker/server'
const server = new Server({ udp: false, http: false, ws: true, stats: false })
server.on('error', error => { console.error(error); process.exit(1) })
server.on('warning', () => {})
server.listen(0, '127.0.0.1', () => console.log('LISTENING', (server.http || server.ws.options.server).address().port))
"""
PEERS = 200
WARM_CPU_SECONDS = 12
WARM_AT_MOST = 60
SERVERS_CPU, *_, LOADS_CPU = sorted(os.sched_getaffinity(0)) if len(os.sched_getaffinity(0)) > 1 else (None, None)
COMPILERS_AT_REST = 0.03  # of a run's CPU time
CALM_RUNS = 3
ONE_PROCESSOR = ("-XX:ActiveProcessorCount=1",)  # as it would see where it has no more; opentracker has one thread
SWARM = 20
KNOWN_SECONDS = 60
IDLE_SECONDS = 75
WEBSOCKETS, WIRE = 10_000, 2_000


class Missing(Exception):
    """What the machine lacks for a measurement."""


def main():
    options = parsed()
    random.seed(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="bench-tracker-"))
    processes, programs = [], []
    try:
        load = compiled(folder)
        hashes = folder / "hashes"
        options.origin = origin(options.torrents, hashes, processes)
        relays = [Program(name, "relay", relay_arguments(*options.origin, *more), folder, java=java) for name, more, java in
                  (("relay", (), () if options.unpinned else ONE_PROCESSOR), ("idle", ("--max-peers", str(WIRE + 100)), ()))]
        programs += relays
        for relay in relays:
            relay.await_ready()
        keep_known(relays, hashes)
        setting = Setting(load, hashes, relays, processes, options)
        for measure in (udp, http, websockets, idle):
            if options.only in ("", measure.__name__):
                attempt(measure, setting)
    except Missing as missing:
        print(f"scripts/bench tracker: {missing}", file=sys.stderr)
        sys.exit(3)
    finally:
        stop_all(programs)
        for process in processes:
            process.kill()
        shutil.rmtree(folder)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/bench tracker", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one more warms up")
    parser.add_argument("--torrents", type=int, default=60)
    parser.add_argument("--count", type=int, default=60_000, help="announces a round over UDP; fewer over the others")
    parser.add_argument("--unpinned", action="store_true", help="leave processors to the scheduler")
    parser.add_argument("--only", choices=["udp", "http", "websockets", "idle"], default="")
    return parser.parse_args()


class Setting:
    """What all measurements share."""

    def __init__(self, load, hashes, relays, processes, options):
        self.load, self.hashes, self.processes, self.options = load, hashes, processes, options
        self.relay, self.idle_relay = relays
        self.relay_port = self.relay.address("tcp")[1]

    def run(self, pid, kind, port, *arguments):
        """CPU seconds of `pid` for each announce of one run, and what the load tool says."""
        pinned = not self.options.unpinned
        if pinned:
            pin(pid, SERVERS_CPU)
        before = cpu_seconds(pid)
        command = [str(self.load), kind, str(port), str(self.hashes), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, preexec_fn=lambda: pinned and pin(os.getpid(), LOADS_CPU))
        if done.returncode != 0:
            raise Missing(f"{kind} load on port {port}: {done.stderr.strip()}")
        said = json.loads(done.stdout.splitlines()[-1])
        return (cpu_seconds(pid) - before) / max(1, said["done"]), said

    def compare(self, name, kind, ours, theirs, reference, goals, ratio=lambda our, their: our / their):
        """Interleaved rounds of (pid, port, arguments) each; the first does not count, and a JVM that is cold goes on until it is warm."""
        self.warm(kind, *ours)
        mine, other, ratios, bad = [], [], [], 0
        work = {"ours": Counter(), "theirs": Counter()}
        for number in range(self.options.rounds + 1):
            pair = [("ours", ours), ("theirs", theirs)]
            random.shuffle(pair)
            cost = {}
            for which, (pid, port, arguments) in pair:
                cost[which], said = self.run(pid, kind, port, *arguments)
                bad += said["bad"]
                work[which].update({key: said.get(key, 0) for key in ("done", "offers", "answers")})
            if number > 0:
                mine.append(cost["ours"])
                other.append(cost["theirs"])
                ratios.append(ratio(cost["ours"], cost["theirs"]))
        self.tell(name, statistics.median(mine) * 1e6, "us CPU", reference, statistics.median(other) * 1e6, statistics.median(ratios), goals)
        if bad:
            print(f"{name}: {bad} bad answers", file=sys.stderr)
        for key in ("offers", "answers"):
            each = {which: counts[key] / counts["done"] for which, counts in work.items()}
            if each["theirs"]:
                print(f"{name}: {each['ours']:.2f} {key} handed on for each, by {reference} {each['theirs']:.2f}", file=sys.stderr)

    def warm(self, kind, pid, port, arguments):
        """Until the compilers have had little to do for some runs, so that what they take is not counted for announces."""
        began = cpu_seconds(pid)
        calm = 0
        while cpu_seconds(pid) < began + WARM_CPU_SECONDS or (calm < CALM_RUNS and cpu_seconds(pid) < began + WARM_AT_MOST):
            all_before, compilers_before = cpu_seconds(pid), compiler_seconds(pid)
            self.run(pid, kind, port, *arguments)
            share = (compiler_seconds(pid) - compilers_before) / (cpu_seconds(pid) - all_before)
            calm = calm + 1 if share <= COMPILERS_AT_REST else 0

    def tell(self, name, value, unit, reference, reference_value, ratio, goals):
        rounds = self.options.rounds
        if self.options.json:
            print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "reference": reference,
                              "reference_value": round(reference_value, 3), "ratio": round(ratio, 3), "rounds": rounds}), flush=True)
        else:
            print(f"{name:24} {value:9.2f} {unit:8} {reference:32} {reference_value:9.2f}   ratio {ratio:6.3f}   {goals}", flush=True)


def attempt(measure, setting):
    try:
        measure(setting)
    except Missing as missing:
        print(f"{measure.__name__}: skipped: {missing}", file=sys.stderr)


def udp(setting):
    pid, port = opentracker(setting)
    arguments = (setting.options.count, 8, 32, PEERS)
    setting.compare("udp announce", "udp", (setting.relay.process.pid, setting.relay_port, arguments), (pid, port, arguments),
                    "opentracker", "must 0.80, stretch 0.70")


def http(setting):
    pid, port = opentracker(setting)
    count = setting.options.count // 3
    setting.compare("http announce, kept alive", "http", (setting.relay.process.pid, setting.relay_port, (count, 16, "keep", PEERS)),
                    (pid, port, (count // 2, 16, "close", PEERS)), "opentracker, which closes", "must 0.35, stretch 0.25")
    setting.compare("http announce, closed", "http", (setting.relay.process.pid, setting.relay_port, (count // 2, 16, "close", PEERS)),
                    (pid, port, (count // 2, 16, "close", PEERS)), "opentracker", "")


def websockets(setting):
    pid, port = node_tracker(setting)
    arguments = (setting.options.count // 10, 200, SWARM)
    setting.compare("websocket announce", "ws", (setting.relay.process.pid, setting.relay_port, arguments), (pid, port, arguments),
                    "node bittorrent-tracker 11.2.3", "announces per CPU second: must 2, stretch 4", lambda our, their: their / our)


def idle(setting):
    """Held by a relay that has done nothing else."""
    relay = setting.idle_relay
    before = relay.resident_bytes()
    command = [str(setting.load), "idle", str(relay.address("tcp")[1]), str(setting.hashes), str(WEBSOCKETS), str(WIRE), str(IDLE_SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    setting.processes.append(process)
    opened = json.loads(process.stdout.readline())
    held = relay.resident_bytes()
    later = json.loads(process.stdout.readline())
    held = max(held, relay.resident_bytes())
    process.wait()
    setting.tell("idle connections held", later["held"], "sockets", "asked for", WEBSOCKETS + WIRE, later["held"] / (WEBSOCKETS + WIRE), "must 1")
    setting.tell("resident with them", held / 1e6, "MB", "before", before / 1e6, held / before, "must 450 MB, stretch 300 MB")
    if later["held"] < opened["held"] or later["failures"]:
        print(f"idle: {opened} at first, {later} after {IDLE_SECONDS} s", file=sys.stderr)


# ---- Who is measured


def relay_arguments(port, key, *more):
    return ["--stream", key, "--peer", f"127.0.0.1:{port}", "--no-dht", "--dht-private", "--no-port-mapping", "--bind", "127.0.0.1",
            "--port", "0", "--admin", "127.0.0.1:0", "--cache-memory", "64MB", *more]


def origin(torrents, hashes, processes):
    libraries = [ROOT / "protocol" / "target" / "classes", ROOT / "protocol" / "target" / "test-classes", ROOT / "relay" / "target" / "relay.jar"]
    command = [JAVA, "-cp", os.pathsep.join(map(str, libraries)), "live.tributary.mesh.tracker.BenchOrigin", str(torrents), str(hashes)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent)
    processes.append(process)
    said = process.stdout.readline().split()
    if len(said) != 2:
        raise Missing("the origin does not start")
    return said[0], said[1]


def opentracker(setting):
    """Debian's knows only listed torrents, and does not run as root."""
    if shutil.which("opentracker") is None:
        raise Missing("needs opentracker")
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix="opentracker-"))
    shutil.copy(setting.hashes, home / "list")
    home.chmod(0o755)
    command = ["opentracker", "-i", "127.0.0.1", "-p", str(port), "-P", str(port), "-d", str(home), "-w", "list"]
    if os.geteuid() == 0:
        command += ["-u", "_opentracker"]
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    setting.processes.append(process)
    eventually(10, lambda: knows("127.0.0.1", port, read(setting.hashes)[:1]), "opentracker does not answer")
    return process.pid, port


def node_tracker(setting):
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise Missing(f"needs {tool}")
    if not (NODE / "node_modules" / "bittorrent-tracker").exists():
        NODE.mkdir(parents=True, exist_ok=True)
        (NODE / "package.json").write_text('{"type":"module"}')
        installed = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", NODE_TRACKER], cwd=NODE, capture_output=True, text=True)
        if installed.returncode != 0:
            raise Missing(f"npm could not install {NODE_TRACKER}: {installed.stderr.strip().splitlines()[-1:]}")
    (NODE / "server.mjs").write_text(NODE_SERVER)
    process = subprocess.Popen(["node", "server.mjs"], cwd=NODE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    setting.processes.append(process)
    said = process.stdout.readline().split()
    if len(said) != 2:
        raise Missing("the node tracker does not start")
    return process.pid, int(said[1])


# ---- Tools


def compiled(folder):
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("needs cc, for the load")
    target = folder / "tracker_load"
    subprocess.run([compiler, "-O2", "-o", str(target), str(HERE / "tracker_load.c")], check=True)
    return target


def cpu_seconds(pid):
    """The process's CPU clock, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def pin(pid, cpu):
    """Server and load on one processor each, where there are two: else the scheduler's moods are measured."""
    if cpu is None:
        return
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setaffinity(int(task), {cpu})
        except ProcessLookupError:
            pass  # A thread that has ended since.


def read(hashes):
    return [bytes.fromhex(line) for line in hashes.read_text().split()]


def keep_known(relays, hashes):
    """Waits until the relays know the stream's torrents; those that one of them does not know by then are not asked for."""
    wanted = read(hashes)
    end = time.monotonic() + KNOWN_SECONDS
    known = []
    while len(known) < len(wanted) and time.monotonic() < end:
        time.sleep(0.5)
        known = [infohash for infohash in wanted if all(knows(*relay.address("udp"), [infohash]) for relay in relays)]
    if len(known) < len(wanted) // 4:
        raise Missing(f"the relays know {len(known)} of {len(wanted)} torrents")
    hashes.write_text("".join(infohash.hex() + "\n" for infohash in known))


def knows(ip, port, hashes):
    """Whether announces for all of them are answered, and not with a failure."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.connect((ip, port))
        try:
            asking.send(struct.pack(">QII", 0x41727101980, 0, 1))
            connection = asking.recv(2048)[8:16]
            for infohash in hashes:
                asking.send(connection + struct.pack(">II", 1, 2) + infohash + b"-XX0001-" + bytes(12) + bytes(24) + struct.pack(">IIIIH", 3, 0, 0, 1, 1000))
                if asking.recv(2048)[:4] != bytes([0, 0, 0, 1]):
                    return False
        except OSError:
            return False
    return True


def eventually(seconds, holds, failure):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Missing(failure)
        time.sleep(0.3)


def free_port():
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return tcp.getsockname()[1]


if __name__ == "__main__":
    main()
