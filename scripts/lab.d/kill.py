"""A relay is killed with viewers on it, again and again, and comes back on its own disk: nothing that it held may be lost.

Then its files are damaged while it is down, and then its disk is full.
"""

import argparse
import hashlib
import http.client
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import loop_feed
from program import Gone, NotReady, Program, stop_all

SEGMENTS, SECONDS, BYTES = 12, 1, 400_000
FILLED = 12
WAIT_SECONDS = 120
BACK_SECONDS = 30
FULL_DISK_BYTES = 3_000_000
VIEWERS = 4


class Report:
    def __init__(self):
        self.failed = 0

    def check(self, what, good, detail=""):
        print(f"{'PASS' if good else 'FAIL'} {what}{f': {detail}' if detail else ''}", flush=True)
        self.failed += not good
        return good


class Lab:
    def __init__(self, folder, seed):
        self.folder = folder
        self.programs = []
        playlist = loop_feed.write(folder / "hls", seed, SEGMENTS, SECONDS, BYTES)
        self.published = {hashlib.sha256(path.read_bytes()).digest() for path in (folder / "hls").glob("*.ts")}
        self.origin = self.start("origin", "origin", "--hls", str(playlist), "--loop", "--name", "Lab", "--max-upload", "1Gbit")
        self.key = self.origin.ready["id"]

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *loop_feed.LOOPBACK], self.folder))
        return self.programs[-1].await_ready()

    def relay(self, name, *more):
        arguments = ["--stream", self.key, "--peer", self.origin.ready["tcp"], "--max-upload", "1Gbit", "--no-port-mapping", *more]
        return self.start(name, "relay", *arguments)

    def held(self, relay, at_least):
        """What the relay offers for replay, once that is enough."""
        return eventually(WAIT_SECONDS, lambda: enough(loop_feed.listed(relay, self.key, "replay.m3u8"), at_least)) or []

    def genuine(self, relay, path):
        """Whether the relay itself serves a chunk that was published, byte for byte; None where it does not serve it."""
        connection = http.client.HTTPConnection(*relay.address("http"), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return hashlib.sha256(body).digest() in self.published if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class Viewers:
    """Clients that fetch what a relay lists, as fast as it goes; whatever they get whole is compared."""

    def __init__(self, lab, relay):
        self.lab, self.relay, self.got, self.wrong = lab, relay, 0, 0
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.watch, args=(number,), name=f"viewer-{number}") for number in range(VIEWERS)]
        for thread in self.threads:
            thread.start()

    def watch(self, number):
        choice = random.Random(number)
        while not self.stopped.is_set():
            try:
                paths = loop_feed.listed(self.relay, self.lab.key, "replay.m3u8")
            except (OSError, Gone, http.client.HTTPException):
                paths = []
            for path in choice.sample(paths, min(3, len(paths))):
                good = self.lab.genuine(self.relay, path)
                self.got += good is True
                self.wrong += good is False
            if not paths:
                self.stopped.wait(0.1)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def main():
    options = parsed()
    folder = Path(tempfile.mkdtemp(prefix="lab-kill-"))
    report, lab = Report(), None
    try:
        lab = Lab(folder, options.seed)
        relay = lab.relay("relay")
        report.check("the relay fills", lab.held(relay, FILLED))
        for number in range(options.kills):
            relay = killed_and_back(report, lab, relay, number)
        relay = damaged(report, lab, relay)
        disk_full(report, lab)
    except (NotReady, Gone) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        if lab:
            stop_all(lab.programs)
        if report.failed or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    sys.exit(1 if report.failed else 0)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/lab kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    return parser.parse_args()


def killed_and_back(report, lab, relay, number):
    viewers = Viewers(lab, relay)
    time.sleep(2 + random.Random(number).random())  # Somewhere in the middle of writing.
    held = lab.held(relay, FILLED)
    relay.kill()
    viewers.stop()
    relay = lab.relay("relay")
    began = time.monotonic()
    lost = eventually(BACK_SECONDS, lambda: not [path for path in held if lab.genuine(relay, path) is None])
    missing = [path for path in held if not lab.genuine(relay, path)]
    detail = f"{len(held)} chunks, {len(missing)} missing, {time.monotonic() - began:.1f} s after READY; {viewers.got} served before, {viewers.wrong} wrong"
    report.check(f"kill -9 number {number + 1} under load loses nothing", held and lost and not missing and viewers.wrong == 0, detail)
    return relay


def damaged(report, lab, relay):
    held = lab.held(relay, FILLED)
    relay.kill()
    files = sorted((relay.data / "cache").glob("*.chunk"), key=lambda path: path.stat().st_mtime)
    flipped, cut = files[0], files[1]
    content = bytearray(flipped.read_bytes())
    content[-1000] ^= 1
    flipped.write_bytes(content)
    with open(cut, "r+b") as file:
        file.truncate(cut.stat().st_size - 1)
    (relay.data / "cache" / ("0" * 64 + ".part")).write_bytes(b"half")
    relay = lab.relay("relay")
    aside = eventually(BACK_SECONDS, lambda: len(list((relay.data / "cache").glob("*.damaged"))) == 2)
    report.check("damaged files are set aside", aside)
    report.check("what was half written is gone", not list((relay.data / "cache").glob("0000*.part")))
    answers = [lab.genuine(relay, path) for path in held]
    report.check("no wrong byte is served", False not in answers, f"{answers.count(True)} of {len(held)} served here")
    return relay


def disk_full(report, lab):
    """A file system of a few chunks, where one may be mounted."""
    data = lab.folder / "small"
    data.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={FULL_DISK_BYTES}", "tmpfs", data]).returncode != 0:
        print("SKIP disk full: needs root, to mount a small file system", flush=True)
        return
    try:
        relay = lab.relay("small")
        held = lab.held(relay, FILLED)
        answers = [lab.genuine(relay, path) for path in held]
        report.check("a full disk stops nobody: chunks come from memory", held and all(answers), f"{answers.count(True)} of {len(held)}")
        report.check("the relay says that its disk is full", "serving from memory" in relay.log.read_text())
    finally:
        stop_all(lab.programs)  # The last part: nothing may keep the file system busy.
        subprocess.run(["umount", data], check=True)


def enough(paths, at_least):
    return paths if len(paths) >= at_least else None


def eventually(seconds, fact):
    """What `fact` gives once it is something; its last word after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = fact()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.3)


if __name__ == "__main__":
    main()
