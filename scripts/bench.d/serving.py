"""The relay's peer wire beside libtorrent, Transmission and what the kernel itself takes: the same torrents, the same load, in turns.

What is compared is the server's CPU time per GB, by its process clock: rates say little on a shared machine. The load asks for
16 KiB blocks, so many in flight, and lets the kernel throw the answers away.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab.d"))
sys.path.insert(0, str(HERE))

from program import Gone, NotReady, Program, stop_all  # noqa: E402
from serving_load import Leech, idle_peers, latencies, misbehaving, unchoke_seconds  # noqa: E402
from wire import die_with_parent  # noqa: E402

LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--no-dht", "--dht-private", "--admin", "127.0.0.1:0"]
UNLIMITED = ["--max-upload", "100Gbit"]
SYSTEM_PYTHON = "/usr/bin/python3"
TS_PACKET = 188
CHUNK_BYTES = 2_000_000 // TS_PACKET * TS_PACKET
CHUNKS = 8
CHUNK_SECONDS = 4
FILL_SECONDS = 400
WARM_CPU_SECONDS = 12
GB = 1e9
PER_ROUND = int(1e9)
PER_ROUND_SLOW = int(3e8)
PER_ROUND_PACED = int(4e7)
CONNECTIONS, PIPELINE = 4, 128
UNCHOKES, UNCHOKES_SLOW = 300, 3
STALLED, SLOW = 50, 50
LATENCY_SECONDS = 4
IDLE_PEERS = 2000
SERVER_CPU, LOAD_CPU = 0, 1


class Rival:
    """A server of the torrents: its process, its port, and how much it is asked for in a round."""

    def __init__(self, name, pid, port, per_round, raw=False):
        self.name, self.pid, self.port, self.per_round, self.raw = name, pid, port, per_round, raw


def main():
    options = parsed()
    folder = Path(tempfile.mkdtemp(prefix="bench-serving-"))
    bench = Bench(folder, options)
    try:
        bench.run()
    except (NotReady, Gone) as failure:
        sys.exit(f"scripts/bench serving: {failure}")
    finally:
        bench.close()
        if options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/bench serving", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seed", type=int, default=1, help="of the chunks' bytes")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds of each server; fewer than 7 (the default) are a first look")
    parser.add_argument("--only", default="", choices=["", "cpu", "unchoke", "stalled", "idle"], help="one measurement")
    parser.add_argument("--keep", action="store_true", help="keep logs and state")
    options = parser.parse_args()
    if options.rounds < 7:
        parser.error(f"--rounds: {options.rounds} (expected: >= 7)")
    return options


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.programs, self.others = [], []
        self.torrents = []  # (infohash, length) of each chunk
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def run(self):
        relay = self.relay()
        rivals = self.rivals() if self.options.only in ("", "cpu", "unchoke") else []
        for server in (relay, *rivals):
            pin(server.pid, SERVER_CPU)
        os.sched_setaffinity(0, {LOAD_CPU})
        for measure in (self.cpu, self.unchoke, self.stalled, self.idle):
            if self.options.only in ("", measure.__name__):
                measure(relay, rivals)

    # ---- The servers

    def rivals(self):
        all_of_them = (self.libtorrent("high_performance_seed"), self.libtorrent("default"), self.transmission(), self.sendfile())
        return [rival for rival in all_of_them if rival]

    def relay(self):
        """A relay that holds the chunks of a live stream, its origin gone, so that nothing but the load is on it."""
        feed = self.folder / "hls"
        feed.mkdir()
        for number in range(CHUNKS):
            (feed / f"{number}.ts").write_bytes(self.segment(number))
        lines = "".join(f"#EXTINF:{CHUNK_SECONDS},\n{number}.ts\n" for number in range(CHUNKS))
        (feed / "stream.m3u8").write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{CHUNK_SECONDS}\n{lines}#EXT-X-ENDLIST\n")
        origin = self.start("origin", "origin", "--hls", str(feed / "stream.m3u8"), "--loop", "--name", "Bench")
        key = origin.ready["id"]
        room = ["--cache-memory", "512MB", "--max-peers", str(IDLE_PEERS + 500)]
        relay = self.start("relay", "relay", "--stream", key, "--peer", origin.ready["tcp"], "--no-port-mapping", *room)
        self.relay_program = relay
        self.await_chunks(origin, relay, key)
        origin.stop()
        return Rival("relay", relay.process.pid, relay.address("tcp")[1], PER_ROUND)

    def await_chunks(self, origin, relay, key):
        """Waits until the relay has every segment of the feed, and keeps its torrents and bytes for the others."""
        shares = self.folder / "shared"
        shares.mkdir()
        wanted = {hashlib.sha256((self.folder / "hls" / f"{number}.ts").read_bytes()).digest() for number in range(CHUNKS)}
        known, end = set(), time.monotonic() + FILL_SECONDS
        while wanted:
            if time.monotonic() > end:
                raise NotReady(f"relay: {len(wanted)} of {CHUNKS} chunks missing after {FILL_SECONDS} s:\n{relay.last_words()}")
            time.sleep(CHUNK_SECONDS)
            for infohash in self.listed(origin, key) - known:
                try:
                    metainfo = relay.get(f"/torrent/{infohash}.torrent", "http")
                    name = re.search(rb"4:name\d+:(\d+\.ts)", metainfo).group(1).decode()
                    body = relay.get(f"/live/{key}/0/{name}", "http")
                except OSError:
                    continue  # Not here yet.
                known.add(infohash)
                digest = hashlib.sha256(body).digest()
                if digest in wanted:
                    wanted.remove(digest)
                    (shares / name).write_bytes(body)
                    info = metainfo[metainfo.index(b"4:info") :]  # Without its tracker: the relay would dial who announces there.
                    (self.folder / f"{infohash}.torrent").write_bytes(b"d" + info)
                    self.torrents.append((bytes.fromhex(infohash), len(body)))

    @staticmethod
    def listed(origin, key):
        try:
            playlist = origin.get(f"/live/{key}/0/magnets.m3u8", "http").decode()
        except OSError:
            return set()
        return set(re.findall(r"urn:btih:([0-9a-f]{40})", urllib.parse.unquote(playlist)))

    def segment(self, number):
        """A TS segment as far as framing goes; the payload never repeats, as video's does not."""
        seed = hashlib.sha256(f"{self.options.seed}/{number}".encode()).digest()
        packets = bytearray(hashlib.shake_128(seed).digest(CHUNK_BYTES))
        for at in range(0, CHUNK_BYTES, TS_PACKET):
            packets[at] = 0x47
        return bytes(packets)

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *LOOPBACK, *UNLIMITED], self.folder))
        return self.programs[-1].await_ready()

    def libtorrent(self, settings):
        name = f"libtorrent {settings}"
        if subprocess.run([SYSTEM_PYTHON, "-c", "import libtorrent"], capture_output=True).returncode != 0:
            return self.skip(name, "python3-libtorrent is not installed")
        torrents = [str(self.folder / f"{infohash.hex()}.torrent") for infohash, _ in self.torrents]
        command = [SYSTEM_PYTHON, str(HERE / "libtorrent_seed.py"), settings, str(self.folder / "shared"), *torrents]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.others.append(process)
        version, port = process.stdout.readline().split()
        return Rival(f"libtorrent {version} {settings}", process.pid, int(port), PER_ROUND_SLOW)

    def transmission(self):
        if shutil.which("transmission-daemon") is None:
            return self.skip("Transmission", "transmission-daemon is not installed")
        home, port = self.folder / "transmission", free_port()
        (home / "torrents").mkdir(parents=True)
        settings = {
            "peer-port": port, "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "rpc-enabled": False, "dht-enabled": False,
            "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False, "encryption": 0,
            "download-dir": str(self.folder / "shared"), "watch-dir": str(home / "watch"), "watch-dir-enabled": True,
            "peer-limit-per-torrent": 500, "upload-slots-per-torrent": 200, "start-added-torrents": True, "ratio-limit-enabled": False,
        }  # fmt: skip
        (home / "settings.json").write_text(json.dumps(settings))
        (home / "watch").mkdir()
        for infohash, _ in self.torrents:
            shutil.copy(self.folder / f"{infohash.hex()}.torrent", home / "watch")
        command = ["transmission-daemon", "-f", "-g", str(home)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.others.append(process)
        return Rival("Transmission", process.pid, port, PER_ROUND_PACED)

    def sendfile(self):
        command = [sys.executable, str(HERE / "sendfile_seed.py"), str(next((self.folder / "shared").iterdir()))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.others.append(process)
        return Rival("sendfile", process.pid, int(process.stdout.readline()), PER_ROUND, raw=True)

    @staticmethod
    def skip(name, why):
        print(f"{name}: skipped, {why}", file=sys.stderr)

    # ---- The measurements

    def cpu(self, relay, rivals):
        self.header("CPU seconds of the server for each GB sent")
        began = cpu_seconds(relay.pid)
        while cpu_seconds(relay.pid) - began < WARM_CPU_SECONDS:  # Java compiles what runs often: judged is what it comes to.
            self.cost(relay)
        usable = [relay, *(rival for rival in rivals if self.answers(rival))]
        costs = {server.name: [] for server in usable}
        for number in range(self.options.rounds + 1):
            turn = number % len(usable)
            for server in usable[turn:] + usable[:turn]:
                cost = self.cost(server)
                if number > 0:  # The first one warms up.
                    costs[server.name].append(cost)
        for rival in usable[1:]:
            self.compare("serving.cpu", "s/GB", costs[relay.name], rival.name, costs[rival.name])

    def answers(self, rival):
        """Whether a rival serves at all; a daemon checks its files first."""
        if rival.raw:
            return True
        end, why = time.monotonic() + 60, None
        while time.monotonic() < end:
            try:
                for torrent in self.torrents[:CONNECTIONS]:
                    unchoke_seconds(rival.port, *torrent, patience=30)
                return True
            except (OSError, EOFError) as failure:
                why = failure
                time.sleep(1)
        self.skip(rival.name, f"it does not serve: {why}")
        return False

    def cost(self, server):
        began = cpu_seconds(server.pid)
        try:
            got = Leech(server.port, self.torrents[:CONNECTIONS], PIPELINE, server.raw).take(server.per_round)
        except (OSError, EOFError) as failure:
            raise Gone(f"{server.name}: {failure}") from None
        return (cpu_seconds(server.pid) - began) * GB / got

    def unchoke(self, relay, rivals):
        self.header("Milliseconds from INTERESTED to UNCHOKE, each on a new connection")
        times = {}
        for server in (relay, *(rival for rival in rivals if not rival.raw)):
            count = UNCHOKES_SLOW if server.name == "Transmission" else UNCHOKES
            if server is relay or self.answers(server):
                times[server.name] = [1000 * unchoke_seconds(server.port, *self.torrents[0]) for _ in range(count)]
        mine = times.pop(relay.name)
        for name, theirs in times.items():
            for share in (50, 99):
                self.show(f"serving.unchoke.p{share}", percentile(mine, share), "ms", name, percentile(theirs, share), None, len(mine))

    def stalled(self, relay, rivals):
        self.header(f"99th percentile of a healthy peer's block, beside {STALLED} stalled and {SLOW} slow peers and without them")
        alone, beside = [], []
        latencies(relay.port, *self.torrents[0], LATENCY_SECONDS)
        for _ in range(self.options.rounds):
            alone.append(1000 * percentile(latencies(relay.port, *self.torrents[0], LATENCY_SECONDS), 99))
            with misbehaving(relay.port, self.torrents[1:], STALLED, SLOW):
                beside.append(1000 * percentile(latencies(relay.port, *self.torrents[0], LATENCY_SECONDS), 99))
        self.compare("serving.stalled.p99", "ms", beside, "the same alone", alone)

    def idle(self, relay, rivals):
        self.header(f"Resident memory with {IDLE_PEERS} peers that do nothing")
        before = self.relay_program.resident_bytes()
        with idle_peers(relay.port, self.torrents, IDLE_PEERS) as held:
            after = self.relay_program.resident_bytes()
            self.show("serving.idle.peers", held, "peers", "asked for", IDLE_PEERS, held / IDLE_PEERS, 1)
            self.show("serving.idle.resident", after / 2**20, "MiB", "without them", before / 2**20, after / before, 1)
            self.show("serving.idle.per-peer", (after - before) / 2**10 / held, "KiB", "bound of 450 MB", 450e6 / 2**10 / held, None, 1)

    # ---- What is shown

    def header(self, what):
        if not self.options.json:
            print(f"\n{what} (load {os.getloadavg()[0]:.1f})", flush=True)

    def compare(self, name, unit, mine, reference, theirs):
        ratio = statistics.median(a / b for a, b in zip(mine, theirs))
        self.show(name, statistics.median(mine), unit, reference, statistics.median(theirs), ratio, len(mine))

    def show(self, name, value, unit, reference, reference_value, ratio, rounds):
        ratio = value / reference_value if ratio is None else ratio
        if self.options.json:
            line = {"name": name, "value": round(value, 4), "unit": unit, "reference": reference}
            print(json.dumps({**line, "reference_value": round(reference_value, 4), "ratio": round(ratio, 3), "rounds": rounds}), flush=True)
        else:
            print(f"{name:24} {value:9.3f} {unit:6} {reference_value:9.3f} {ratio:7.2f} x  {reference} ({rounds} rounds)", flush=True)

    def close(self):
        for process in self.others:
            process.kill()
            process.wait()
        stop_all(self.programs)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def pin(pid, cpu):
    """Every thread of the process, and so those that it starts later."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {cpu})


def cpu_seconds(pid):
    """By the process clock (CPUCLOCK_SCHED), in nanoseconds where /proc has hundredths."""
    return time.clock_gettime((~pid << 3) | 2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
