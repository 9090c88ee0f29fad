"""npm's tracker clients against a relay's trackers on loopback: announces, scrapes, and WebRTC peers that meet by its signalling."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import npm
from feed import Feed, encoded
from program import Gone, NotReady, Program, stop_all

SOURCES = Path(__file__).resolve().parent / "trackers"
CACHE = Path(tempfile.gettempdir()) / "tributary-lab"
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
BITS, SEGMENT_SECONDS = 1_000_000, 2
HELD_SECONDS = 60
CLIENTS_SECONDS = 240
CANNOT_RUN = 3


def main():
    argparse.ArgumentParser(prog="scripts/lab trackers", description=__doc__).parse_args()
    clients, why_not = npm.installed(SOURCES, "trackers")
    if clients is None:
        print(f"scripts/lab trackers: {why_not}", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="lab-trackers-"))
    feed, programs, failed = None, [], []
    try:
        feed = Feed(encoded(CACHE, BITS, SEGMENT_SECONDS, 30), folder / "hls")
        programs.append(Program("origin", "origin", ["--hls", str(folder / "hls"), *LOOPBACK], folder))
        origin = programs[0].await_ready()
        relay = Program("relay", "relay", ["--stream", origin.ready["id"], "--peer", origin.ready["tcp"], "--no-port-mapping", *LOOPBACK], folder)
        programs.append(relay)
        relay.await_ready()
        torrent = held_chunk(origin, relay, folder)
        failed = checked(clients, relay.ready["tcp"], torrent)
    except (NotReady, Gone, OSError, subprocess.TimeoutExpired) as failure:
        print(f"FAIL {failure}", flush=True)
        failed.append("run")
    finally:
        if feed:
            feed.stop()
        stop_all(programs)
    if failed:
        print(f"logs: {folder}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(folder)


def held_chunk(origin, relay, folder):
    """The torrent file of a chunk that the relay holds whole: its tracker counts it among the seeds then."""
    end = time.monotonic() + HELD_SECONDS
    while time.monotonic() < end:
        for infohash in magnets(origin):
            try:
                file = folder / "chunk.torrent"
                file.write_bytes(relay.get(f"/torrent/{infohash}.torrent", "tcp"))
                if b"8:completei1e" in relay.get("/scrape?info_hash=" + re.sub("(..)", r"%\1", infohash), "tcp"):
                    return file
            except urllib.error.HTTPError:
                pass
        time.sleep(0.5)
    raise NotReady("the relay holds no chunk")


def magnets(origin):
    try:
        playlist = origin.get(f"/live/{origin.ready['id']}/0/magnets.m3u8", "tcp").decode()
    except urllib.error.HTTPError:
        return []  # Nothing is published yet.
    return re.findall(r"urn:btih:([0-9a-f]{40})", playlist)


def checked(clients, relay, torrent):
    """The checks that failed."""
    said = subprocess.run(["node", str(clients / "clients.js"), relay, str(torrent)], cwd=clients, capture_output=True, text=True, timeout=CLIENTS_SECONDS)
    checks = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    for check in checks:
        print(f"{'PASS' if check['good'] else 'FAIL'} {check['check']}{': ' + check['detail'] if check['detail'] else ''}", flush=True)
    if said.returncode != 0 or not checks:
        print(f"FAIL the clients ended with {said.returncode}: {said.stderr[-500:]}", flush=True)
        return ["the clients"]
    return [check["check"] for check in checks if not check["good"]]


if __name__ == "__main__":
    main()
