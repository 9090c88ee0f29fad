"""One of the programs under test: started, READY, read through its metrics, stopped."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from wire import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
JAVA = os.environ.get("JAVA", "java")
READY_SECONDS = 90
STOP_SECONDS = 10  # the contract says 5; more is reported, not waited for
TICKS = os.sysconf("SC_CLK_TCK")
_SERIES = re.compile(r'^(\w+)(?:\{([^}]*)\})? (\S+)', re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class NotReady(Exception):
    """A program that ended, or said nothing, before READY; with the end of its log."""


class Gone(Exception):
    """A program that ended by itself; with the end of its log."""


class Loopback:
    """This machine as it is, for programs that need no namespace of their own."""

    name = "loopback"

    def start(self, command, nice=0, **options):
        def prepare():
            die_with_parent()
            os.nice(nice)

        return subprocess.Popen(command, preexec_fn=prepare, **options)

    def get(self, ip, port, path):
        try:
            with urllib.request.urlopen(f"http://{ip}:{port}{path}", timeout=10) as answer:
                return answer.read()
        except http.client.HTTPException as failure:
            raise OSError(f"http://{ip}:{port}{path}: {failure!r}") from None


class Program:
    """A jar that runs on a host. Starts as it is made: several may start side by side before one waits for READY."""

    def __init__(self, name, module, arguments, folder, host=None, java=(), nice=0):
        self.name = name
        self.host = host or Loopback()
        self.data = Path(folder) / name
        self.log = Path(folder) / f"{name}.log"
        self.command = [JAVA, *java, "-jar", str(jar(module)), *arguments, "--data", str(self.data)]
        with open(self.log, "ab") as log:
            self.process = self.host.start(self.command, nice, stdout=subprocess.PIPE, stderr=log, text=True)
        self.ready = {}
        self.ready_at = None  # time.monotonic()
        self.start_cpu_seconds = 0.0

    def await_ready(self):
        """Returns this program, READY."""
        too_late = threading.Timer(READY_SECONDS, self.process.kill)
        too_late.start()
        try:
            for line in self.process.stdout:
                if line.startswith("READY "):
                    self.ready_at = time.monotonic()
                    self.start_cpu_seconds = self.cpu_seconds()
                    self.ready = json.loads(line[len("READY "):])
                    threading.Thread(target=self._drain, name=f"{self.name}-stdout", daemon=True).start()
                    return self
        finally:
            too_late.cancel()
        self.process.wait()
        raise NotReady(f"{self.name} ended with {self.process.returncode} before READY:\n{self.last_words()}")

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def address(self, which):
        """(ip, port) of what READY names `tcp`, `udp`, `dht`, `http` or `admin`."""
        ip, port = self.ready[which].rsplit(":", 1)
        return ip.strip("[]"), int(port)

    def get(self, path, which="admin"):
        try:
            return self.host.get(*self.address(which), path)
        except OSError:
            if self.running():
                raise
            raise Gone(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}") from None

    def metrics(self):
        return Metrics(self.get("/metrics").decode())

    def status(self):
        return json.loads(self.get("/status"))

    def running(self):
        return self.process.poll() is None

    def cpu_seconds(self):
        """CPU time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_bytes(self):
        match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(match.group(1)) * 1024 if match else 0

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; (exit status, seconds), the status None where it had to be killed."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        return status, time.monotonic() - began

    def last_words(self, lines=12):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Metrics:
    """One scrape in Prometheus' text format."""

    def __init__(self, text):
        self.series = [(name, dict(_LABEL.findall(labels or "")), float(value)) for name, labels, value in _SERIES.findall(text)]

    def sum(self, name, **labels):
        """The sum of the series of this name that have these labels; 0 where there are none."""
        return sum(value for known, has, value in self.series if known == name and labels.items() <= has.items())


def jar(module):
    return ROOT / module / "target" / f"{module}.jar"


def write_statuses(programs, folder):
    """What the programs that run say of themselves, beside their logs."""
    for program in programs:
        if program.running():
            try:
                (Path(folder) / f"{program.name}.status.json").write_bytes(program.get("/status"))
                (Path(folder) / f"{program.name}.metrics").write_bytes(program.get("/metrics"))
            except OSError as failure:
                print(f"{program.name} does not answer: {failure}", file=sys.stderr)


def stop_all(programs):
    """Stops those that still run, together."""
    running = [program for program in programs if program.running()]
    for program in running:
        program.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    for program in running:
        try:
            program.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            program.kill()


def compiler_seconds(pid):
    """What a JVM's compilers have taken of its CPU time."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if re.match("C[12] Compiler", (task / "comm").read_text()):
                total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            pass  # A thread that has ended since.
    return total / 1e9
