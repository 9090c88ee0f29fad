"""The relay's HLS edge beside nginx and beside what the kernel itself takes: the same chunks, the same load, in turns.

What is compared is the server's CPU time per GB of bodies, by its process clock: rates say little on a shared machine. Each server has
the same one processor, the load another, so that none pays less by leaving the kernel's part of the work to the load.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab.d"))

import loop_feed  # noqa: E402
from program import Gone, NotReady, Program, compiler_seconds, stop_all  # noqa: E402

CANNOT_RUN = 3
UNLIMITED = ["--max-upload", "100Gbit"]
CHUNK_BYTES = 1_999_944  # whole TS packets
CHUNKS = 16
CHUNK_SECONDS = 2
FILL_SECONDS = 240
WARM_CPU_SECONDS, WARM_AT_MOST = 12, 60
COMPILERS_AT_REST, CALM_RUNS = 0.03, 3  # of a run's CPU time, and so many runs in a row
PER_ROUND = 2_000_000_000
PER_ROUND_ALONE = 200_000_000
TLS_SECONDS = 4
CONNECTIONS = 8
GB = 1e9
ONE_PROCESSOR = ("-XX:ActiveProcessorCount=1",)  # as it would see where it has no more; nginx has one worker
SERVER_CPU, LOAD_CPU = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))


class CannotRun(Exception):
    """Something that the bench needs is not on this machine."""


@dataclass(frozen=True)
class Server:
    """Who answers: its process, its plain port, where it has one the port of its TLS, and the path of each chunk."""

    name: str
    pid: int
    port: int
    tls_port: int
    paths: list


@dataclass(frozen=True)
class Figure:
    """A value beside its reference's, both medians of rounds taken in turns, and the median of the rounds' ratios."""

    name: str
    unit: str
    values: list
    reference: str
    reference_values: list

    def ratio(self):
        return statistics.median(mine / other for mine, other in zip(self.values, self.reference_values))

    def line(self):
        return json.dumps(
            {
                "name": self.name,
                "value": round(statistics.median(self.values), 6),
                "unit": self.unit,
                "reference": self.reference,
                "reference_value": round(statistics.median(self.reference_values), 6),
                "ratio": round(self.ratio(), 3),
                "rounds": len(self.values),
            }
        )

    def text(self):
        value, other = statistics.median(self.values), statistics.median(self.reference_values)
        return f"{self.name:26} {value:10.4f} {self.unit:12} {other:10.4f} {self.ratio():7.2f}  {self.reference} ({len(self.values)} rounds)"


def main():
    options = parsed()
    folder = Path(tempfile.mkdtemp(prefix="bench-edge-"))
    bench = Bench(folder, options)
    try:
        bench.run()
    except CannotRun as missing:
        print(f"scripts/bench edge: {missing}", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    except (NotReady, Gone) as failure:
        sys.exit(f"scripts/bench edge: {failure}")
    finally:
        bench.close()
        if options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/bench edge", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seed", type=int, default=1, help="of the chunks' bytes")
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds of each server (default 9), at least 7")
    parser.add_argument("--keep", action="store_true", help="keep logs and state")
    options = parser.parse_args()
    if options.rounds < 7:
        parser.error(f"--rounds: {options.rounds} (expected: >= 7)")
    return options


class Bench:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.programs = []
        self.others = []

    def run(self):
        self.need("cc", "to build the load and the reference")
        self.load = self.built("http_load")
        relay = self.relay()
        copies = self.copies(relay)
        raw = self.raw(copies)
        nginx = self.nginx(copies)
        if not self.options.json:
            print(f"{CHUNKS} chunks of {CHUNK_BYTES} bytes, {CONNECTIONS} connections, {PER_ROUND / GB:.0f} GB a round; load {os.getloadavg()[0]:.1f}")
            print(f"{'':26} {'relay':>10} {'':12} {'reference':>10} {'ratio':>7}")
        for server in (relay, raw, nginx):
            if server:
                pin(server.pid, SERVER_CPU)
        self.warm(relay)
        for other in (raw, nginx):
            if other:
                self.loaded(other, CONNECTIONS, PER_ROUND_ALONE)
        self.compare("edge.cpu", "s/GB", raw, nginx, relay, CONNECTIONS, PER_ROUND, lambda r: r["cpu"] * GB / r["bytes"])
        self.compare("edge.first-byte.p50", "ms", raw, nginx, relay, 1, PER_ROUND_ALONE, lambda r: r["p50"] * 1000)
        self.tls(relay, nginx)

    def need(self, tool, why):
        if shutil.which(tool) is None:
            raise CannotRun(f"needs {tool}, {why}")

    def built(self, name, *flags):
        program = self.folder / name
        subprocess.run(["cc", "-O2", *flags, "-o", program, HERE / f"{name}.c"], check=True)
        return program

    # ---- The servers

    def relay(self):
        """A relay that holds the chunks of a live stream, its origin gone, so that nothing but the load is on it."""
        playlist = loop_feed.write(self.folder / "hls", self.options.seed, CHUNKS, CHUNK_SECONDS, CHUNK_BYTES)
        origin = self.start("origin", "origin", "--hls", str(playlist), "--loop", "--name", "Bench", "--history", "10m", "--max-upload", "1Gbit")
        key = origin.ready["id"]
        tls = self.certificate()
        relay = self.start("relay", "relay", "--stream", key, "--peer", origin.ready["tcp"], "--no-port-mapping", *UNLIMITED, *tls, java=ONE_PROCESSOR)
        end = time.monotonic() + FILL_SECONDS
        paths = {}  # In the order in which they were seen; a gap in the playlist does not matter here.
        while len(paths) < CHUNKS:
            if time.monotonic() > end:
                raise NotReady(f"relay: {len(paths)} of {CHUNKS} chunks after {FILL_SECONDS} s:\n{relay.last_words()}")
            time.sleep(CHUNK_SECONDS)
            paths.update(dict.fromkeys(loop_feed.listed(relay, key, "replay.m3u8")))
        origin.stop()
        port = relay.address("http")[1]
        return Server("relay", relay.process.pid, port, port if tls else 0, list(paths)[-CHUNKS:])

    def start(self, name, module, *arguments, java=()):
        self.programs.append(Program(name, module, [*arguments, *loop_feed.LOOPBACK], self.folder, java=java))
        return self.programs[-1].await_ready()

    def certificate(self):
        if shutil.which("openssl") is None:
            return []
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        made += ["-subj", "/CN=localhost", "-keyout", str(self.key), "-out", str(self.cert)]
        subprocess.run(made, check=True, capture_output=True)
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]

    def copies(self, relay):
        """What the relay serves, as files for the others: compared with the feed, so that everybody serves the same."""
        copies = self.folder / "files"
        copies.mkdir()
        segments = {hashlib.sha256(path.read_bytes()).digest() for path in (self.folder / "hls").glob("*.ts")}
        for path in relay.paths:
            with urllib.request.urlopen(f"http://127.0.0.1:{relay.port}{path}", timeout=10) as answer:
                served = answer.read()
            if hashlib.sha256(served).digest() not in segments:
                sys.exit(f"scripts/bench edge: {path} is not what was published")
            (copies / path.rsplit("/", 1)[1]).write_bytes(served)
        return copies

    def raw(self, copies):
        process = subprocess.Popen([self.built("sendfile_server", "-pthread"), copies], stdout=subprocess.PIPE, text=True)
        self.others.append(process)
        return Server("sendfile", process.pid, int(process.stdout.readline()), 0, self.names(copies))

    def nginx(self, copies):
        if shutil.which("nginx") is None:
            print("nginx is not installed: skipped", file=sys.stderr)
            return None
        port, tls_port = free_port(), free_port()
        tls = f"listen 127.0.0.1:{tls_port} ssl; ssl_certificate {self.cert}; ssl_certificate_key {self.key};" if shutil.which("openssl") else ""
        config = self.folder / "nginx.conf"
        config.write_text(
            f"""daemon off; master_process off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; sendfile_max_chunk 2m; keepalive_requests 1000000000;
                open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h; types {{ video/mp2t ts; }}
                client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
                uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
                server {{ listen 127.0.0.1:{port}; {tls} root {copies}; }}
            }}"""
        )
        process = subprocess.Popen(["nginx", "-p", str(self.folder), "-c", str(config)], stderr=subprocess.DEVNULL)
        self.others.append(process)
        await_port(port)
        return Server("nginx", process.pid, port, tls_port if tls else 0, self.names(copies))

    @staticmethod
    def names(copies):
        return sorted(f"/{path.name}" for path in copies.iterdir())

    # ---- The load

    def loaded(self, server, connections, size):
        paths = self.folder / f"{server.name}.paths"
        paths.write_text("\n".join(server.paths) + "\n")
        command = [self.load, "127.0.0.1", str(server.port), str(server.pid), str(connections), str(size), paths]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CPU}))
        if done.returncode != 0:
            raise NotReady(f"{server.name}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def warm(self, relay):
        """Java compiles what runs often: judged is what it comes to, once the compilers have had little to do for some runs."""
        used, calm = 0.0, 0
        while used < WARM_CPU_SECONDS or (calm < CALM_RUNS and used < WARM_AT_MOST):
            before = compiler_seconds(relay.pid)
            cpu = self.loaded(relay, CONNECTIONS, PER_ROUND)["cpu"]
            calm = calm + 1 if compiler_seconds(relay.pid) - before <= COMPILERS_AT_REST * cpu else 0
            used += cpu

    def compare(self, name, unit, raw, nginx, relay, connections, size, value):
        servers = [server for server in (relay, nginx, raw) if server]
        measured = {server.name: [] for server in servers}
        for round_number in range(self.options.rounds):
            turn = round_number % len(servers)
            for server in servers[turn:] + servers[:turn]:
                measured[server.name].append(value(self.loaded(server, connections, size)))
        for other in (nginx, raw):
            if other:
                self.show(Figure(name, unit, measured["relay"], other.name, measured[other.name]))

    def tls(self, relay, nginx):
        if shutil.which("wrk") is None or not relay.tls_port or not nginx:
            print("TLS needs wrk, openssl and nginx: skipped", file=sys.stderr)
            return
        measured = {relay.name: [], nginx.name: []}
        for server in (relay, nginx, relay):
            self.tls_cost(server)  # Warms up.
        for round_number in range(self.options.rounds):
            costs = {server.name: self.tls_cost(server) for server in ((relay, nginx) if round_number % 2 else (nginx, relay))}
            if None not in costs.values():
                for name, cost in costs.items():
                    measured[name].append(cost)
        if not measured["relay"]:
            print("TLS: no round with answers from both, skipped", file=sys.stderr)
            return
        self.show(Figure("edge.tls.cpu", "s/GB", measured["relay"], nginx.name, measured[nginx.name]))

    def tls_cost(self, server):
        began = cpu_seconds(server.pid)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{TLS_SECONDS}s", f"https://127.0.0.1:{server.tls_port}{server.paths[0]}"]
        pinned = lambda: os.sched_setaffinity(0, {LOAD_CPU})  # noqa: E731
        said = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=pinned).stdout
        used = cpu_seconds(server.pid) - began
        amount = re.search(r"([\d.]+)(MB|GB) read", said)
        if not amount or "Non-2xx" in said:
            return None  # Not one answer in the time: the machine is too busy to say anything.
        read = float(amount.group(1)) * (2**20 if amount.group(2) == "MB" else 2**30)
        return used * GB / read

    def show(self, figure):
        print(figure.line() if self.options.json else figure.text(), flush=True)

    def close(self):
        for process in self.others:
            process.terminate()
            process.wait()
        stop_all(self.programs)


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


def await_port(port):
    end = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if time.monotonic() > end:
                raise CannotRun("nginx does not start here") from None
            time.sleep(0.05)


if __name__ == "__main__":
    main()
