"""Hostile input on every port of a relay for minutes, with viewers on it who must not notice, and memory that must come back.

The attackers come from addresses of their own (127.1.x.y), the viewers from 127.0.0.1: caps are per address.
"""

import argparse
import asyncio
import collections
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import loop_feed
from program import Gone, NotReady, Program, stop_all

SEGMENTS, SECONDS, BYTES = 8, 4, 1_000_000
BEHIND = 3
STALL_SECONDS = 0.5
WARM_SECONDS = 30
SETTLE_SECONDS = 75  # more than any deadline of the relay's: idle connections go after a minute
HEAP_MAY_GROW = 24_000_000
RESIDENT_MAY_GROW = 0.15
PIECE, BLOCK, DEPTH = 65536, 16384, 32
UNCHOKE, INTERESTED, HAVE, BITFIELD, REQUEST, BLOCK_OF_PIECE = 1, 2, 4, 5, 6, 7
GIVE_UP_SECONDS = 90
GOOD_ANNOUNCES = ("answered", "connected", "scraped")
PEER_ID = b"-LA0001-laboratory01"


class Report:
    def __init__(self):
        self.failed = 0

    def check(self, what, good, detail=""):
        print(f"{'PASS' if good else 'FAIL'} {what}{f': {detail}' if detail else ''}", flush=True)
        self.failed += not good


class Viewer(threading.Thread):
    """Plays the live playlist on the wall clock: a chunk that is not there when the one before it has been played is a stall."""

    def __init__(self, name, setting):
        super().__init__(name=name, daemon=True)
        self.setting, self.played, self.stalls, self.again = setting, 0, [], 0
        self.stopped = threading.Event()

    def run(self):
        seen, ends = None, None
        while not self.stopped.is_set():
            try:
                paths = loop_feed.listed(self.setting.relay, self.setting.key, "live.m3u8")
                fresh = paths[-BEHIND:] if seen is None else [path for path in paths if path > seen]
                for path in fresh:
                    self.fetch(path)
                    now = time.monotonic()
                    if ends is None:
                        ends = now
                    elif now - ends > STALL_SECONDS:
                        self.stalls.append(round(now - ends, 2))
                        ends = now
                    ends += SECONDS
                    seen = path
                    self.played += 1
            except (OSError, ValueError, http.client.HTTPException, Gone) as failure:
                self.again += 1  # As players do: what counts is whether it comes in time.
                print(f"{self.name} tries again: {failure!r}", file=sys.stderr)
            self.stopped.wait(SECONDS / 4)

    def genuine(self, body):
        if hashlib.sha256(body).digest() not in self.setting.published:
            raise ValueError("another chunk than was published")

    def stop(self):
        self.stopped.set()
        self.join(GIVE_UP_SECONDS)


class HlsViewer(Viewer):
    def fetch(self, path):
        self.genuine(self.setting.relay.get(path, "http"))


class WireViewer(Viewer):
    """A BitTorrent client that takes each chunk by its torrent, from the relay alone."""

    def fetch(self, path):
        name = path.rsplit("/", 1)[1]
        infohash, length = self.setting.torrents(name)
        with socket.create_connection(self.setting.relay.address("tcp"), 10) as peer:
            peer.sendall(handshake(infohash, random.randbytes(20)) + message(INTERESTED))
            stream = peer.makefile("rb")
            if len(stream.read(68)) < 68:
                raise ValueError("no handshake")
            body, has, unchoked, under_way = bytearray(length), set(), False, 0
            pieces = range((length + PIECE - 1) // PIECE)
            waiting = [(p, at, min(BLOCK, length - p * PIECE - at)) for p in pieces for at in range(0, min(PIECE, length - p * PIECE), BLOCK)]
            while waiting or under_way:
                kind, got = self.message(stream)
                if kind == UNCHOKE:
                    unchoked = True
                elif kind == HAVE:
                    has.add(struct.unpack(">I", got)[0])
                elif kind == BITFIELD:
                    has.update(p for p in pieces if got[p // 8] & 0x80 >> p % 8)
                elif kind == BLOCK_OF_PIECE:
                    at = struct.unpack(">II", got[:8])
                    body[at[0] * PIECE + at[1] : at[0] * PIECE + at[1] + len(got) - 8] = got[8:]
                    under_way -= 1
                for block in [block for block in waiting if unchoked and block[0] in has][: DEPTH - under_way]:
                    peer.sendall(message(REQUEST, struct.pack(">III", *block)))
                    waiting.remove(block)
                    under_way += 1
        self.genuine(bytes(body))

    @staticmethod
    def message(stream):
        """The next message's kind and payload; a kind of -1 for a keep-alive."""
        size = stream.read(4)
        got = stream.read(struct.unpack(">I", size)[0]) if len(size) == 4 else b""
        if len(size) < 4 or len(got) < struct.unpack(">I", size)[0]:
            raise ValueError("closed in the middle")
        return (got[0], got[1:]) if got else (-1, b"")


class Setting:
    def __init__(self, folder):
        self.programs, self.folder = [], folder
        playlist = loop_feed.write(folder / "hls", 1, SEGMENTS, SECONDS, BYTES)
        self.published = {hashlib.sha256(path.read_bytes()).digest() for path in (folder / "hls").glob("*.ts")}
        self.origin = self.start("origin", "origin", "--hls", str(playlist), "--loop", "--name", "Lab", "--max-upload", "1Gbit")
        self.key = self.origin.ready["id"]
        carried = ["--stream", self.key, "--peer", self.origin.ready["tcp"], "--no-port-mapping", "--max-upload", "200Mbit"]
        self.relay = self.start("relay", "relay", *carried)
        self.pid = self.relay.process.pid

    def start(self, name, module, *arguments):
        self.programs.append(Program(name, module, [*arguments, *loop_feed.LOOPBACK], self.folder))
        return self.programs[-1].await_ready()

    def torrents(self, name):
        """Infohash and length of a chunk, from the origin's playlist with magnets."""
        text = self.origin.get(f"/live/{self.key}/0/magnets.m3u8", "http").decode()
        found = re.search(r"urn:btih:([0-9a-f]{40})[^\n]*\n(?:[^\n]*\n)??(?:#[^\n]*\n)*[^\n#]*" + re.escape(name), text)
        if not found:
            raise ValueError(f"{name} is not in the origin's list")
        return bytes.fromhex(found.group(1)), BYTES // loop_feed.TS_PACKET * loop_feed.TS_PACKET

    def infohashes(self):
        text = self.origin.get(f"/live/{self.key}/0/magnets.m3u8", "http").decode()
        return [bytes.fromhex(h) for h in re.findall(r"urn:btih:([0-9a-f]{40})", text)]

    def memory(self):
        """(heap after a collection, memory of its own beside the chunks in its cache), bytes; the heap 0 without the JDK's tools."""
        heap = 0
        if shutil.which("jcmd"):
            subprocess.run(["jcmd", str(self.pid), "GC.run"], capture_output=True)
            said = subprocess.run(["jcmd", str(self.pid), "GC.heap_info"], capture_output=True, text=True).stdout
            heap = sum(int(used) * 1024 for used in re.findall(r"(?:heap|generation)\s.*?used (\d+)K", said))
        own = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return heap, int(own.group(1)) * 1024 - self.relay.metrics().sum("tributary_cache_bytes", tier="memory")

    def refused(self):
        """What the relay counts of TCP connections and requests that it refused or ended, and of datagrams."""
        metrics = self.relay.metrics()
        answers = sum(value for name, has, value in metrics.series if name == "tributary_http_answers_total" and not has["result"].startswith(("2", "3")))
        announces = [(has, value) for name, has, value in metrics.series if name == "tributary_announces_total" and has.get("result") not in GOOD_ANNOUNCES]
        return {
            "http": answers + sum(value for has, value in announces if has["transport"] != "udp"),
            "connections": metrics.sum("tributary_dropped_connections_total"),
            "datagrams": sum(value for has, value in announces if has["transport"] == "udp"),
        }


# ---- Attackers


class Attack:
    """Coroutines that each do one bad thing over and over until the time is up; counts what became of it."""

    def __init__(self, setting, seconds, seed):
        self.tcp, self.udp, self.dht, self.admin = (setting.relay.address(which) for which in ("tcp", "udp", "dht", "admin"))
        self.key, self.infohashes = setting.key, setting.infohashes()
        self.paths = loop_feed.listed(setting.relay, setting.key, "replay.m3u8")
        self.end = time.monotonic() + seconds
        self.random = random.Random(seed)
        self.tried, self.refused = collections.Counter(), collections.Counter()

    def over(self):
        return time.monotonic() > self.end

    def noise(self, most):
        return self.random.randbytes(self.random.randint(1, most))

    async def connection(self, target):
        own = f"127.1.{self.random.randint(0, 3)}.{self.random.randint(1, 254)}"
        return await asyncio.wait_for(asyncio.open_connection(*target, local_addr=(own, 0)), 10)

    async def again(self, kind, deed, target, pause):
        while not self.over():
            writer = None
            try:
                reader, writer = await self.connection(target)
                self.tried[kind] += 1
                if await deed(reader, writer):
                    self.refused[kind] += 1
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                self.refused[kind] += 1
            finally:
                if writer:
                    writer.close()
            await asyncio.sleep(pause * (0.5 + self.random.random()))

    async def closed(self, reader, seconds=GIVE_UP_SECONDS):
        """Reads until the other end closes; whether it did."""
        end = min(time.monotonic() + seconds, self.end + 5)
        while time.monotonic() < end:
            try:
                if not await asyncio.wait_for(reader.read(65536), 1):
                    return True
            except asyncio.TimeoutError:
                continue
        return False

    def says(self, make):
        async def deed(reader, writer):
            writer.write(make())
            return await self.closed(reader, 15)

        return deed

    async def half_open(self, reader, writer):
        return await self.closed(reader, 15)

    def dribble(self, text):
        async def deed(reader, writer):
            for byte in text:
                writer.write(bytes([byte]))
                try:
                    if not await asyncio.wait_for(reader.read(4096), 0.5):
                        return True
                except asyncio.TimeoutError:
                    if self.over():
                        return False
            return await self.closed(reader)

        return deed

    async def slow_reader(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.write(f"GET {self.random.choice(self.paths)} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 3)
        reader._transport.pause_reading()
        end = min(time.monotonic() + GIVE_UP_SECONDS, self.end)
        while time.monotonic() < end:
            await asyncio.sleep(1)
            if writer.transport.is_closing() or reset(writer.get_extra_info("socket")):
                return True
        return False

    async def flood_of_requests(self, reader, writer):
        writer.write(handshake(self.random.choice(self.infohashes)) + message(INTERESTED))
        reader._transport.pause_reading()
        block = message(REQUEST, struct.pack(">III", 0, 0, BLOCK))
        for _ in range(30):
            writer.write(block * 200)
            await asyncio.sleep(0.5)
            if writer.transport.is_closing() or reset(writer.get_extra_info("socket")):
                return True
            if self.over():
                return False
        return False

    async def web_socket(self, reader, writer):
        ask = "GET /announce HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        writer.write(ask.encode())
        await asyncio.wait_for(reader.read(4096), 10)
        writer.write(
            self.random.choice(
                [
                    self.noise(300),
                    b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"mask" + bytes(100),
                    b"\x81\xfe" + struct.pack(">H", 60000) + bytes(4) + b"[" * 60000,
                    b"\x81\x84\x00\x00\x00\x00null",
                ]
            )
        )
        return await self.closed(reader, 15)

    def big(self):
        return self.random.choice(
            [
                b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + b"X: " + b"b" * 20000 + b"\r\n\r\n",
                b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n" + bytes(1000),
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + bytes(0x8000) + b"\r\n" + b"8001\r\n" + bytes(0x8001),
                b"GET /scrape HTTP/1.1\r\n\r\n" * 200,
            ]
        )

    def wrong(self):
        ask = self.random.choice(["DELETE /live HTTP/1.1", "GET /live/../../etc/passwd HTTP/1.1", "GET nonsense HTTP/1.1", "GET / HTTP/9.9"])
        return f"{ask}\r\nConnection: close\r\n\r\n".encode()

    def announce(self):
        query = urllib.parse.urlencode({"info_hash": self.random.randbytes(20), "peer_id": PEER_ID, "port": 6881, "left": 0})
        return f"GET /announce?{query} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()

    def torn_wire(self):
        opening = handshake(self.random.choice(self.infohashes))
        return opening + self.random.choice([self.noise(2000), struct.pack(">I", 0x7FFFFFFF) + b"\x07", struct.pack(">I", 1 << 22) + bytes(100), message(20, b"\x00" + b"d" * 9000), message(REQUEST, b"\xff" * 12)])

    def replay(self):
        return (handshake(self.random.choice(self.infohashes)) + message(INTERESTED) + message(REQUEST, struct.pack(">III", 0, 0, BLOCK))) * 5

    async def datagrams(self, target):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind(("127.1.9.9", 0))
        out.setblocking(False)
        connect = struct.pack(">QII", 0x41727101980, 0, 7)
        announce = struct.pack(">QII20s20sQQQIIIIH", 0x80 << 56 | 99, 1, 8, self.random.choice(self.infohashes), PEER_ID, 0, 0, 0, 0, 0, 0, 50, 6881)
        while not self.over():
            for packet in (self.noise(1400), connect, connect[:15], announce, announce[:40], b"d1:ad2:id20:" + self.noise(60), b"\x41\x00" + bytes(18), b""):
                try:
                    out.sendto(packet, target)
                    self.tried["datagrams"] += 1
                except OSError:
                    pass  # Its queue is full: so be it.
            await asyncio.sleep(0.02)
        out.close()

    async def run(self):
        tcp = self.tcp
        deeds = [
            ("garbage", self.says(lambda: b"\x00" + self.noise(4000)), tcp, 0.5, 8),
            ("half-open", self.half_open, tcp, 0.2, 30),
            ("slow header", self.dribble(b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 400), tcp, 0.2, 20),
            ("slow handshake", self.dribble(handshake(self.infohashes[0])), tcp, 0.2, 10),
            ("slow reader", self.slow_reader, tcp, 0.5, 20),
            ("oversized http", self.says(self.big), tcp, 0.5, 6),
            ("wrong http", self.says(self.wrong), tcp, 0.3, 6),
            ("announce of nothing", self.says(self.announce), tcp, 0.3, 6),
            ("torn wire", self.says(self.torn_wire), tcp, 0.4, 8),
            ("replayed wire", self.says(self.replay), tcp, 0.4, 6),
            ("requests without reading", self.flood_of_requests, tcp, 1, 10),
            ("mse garbage", self.says(lambda: b"\xee" + self.random.randbytes(700)), tcp, 0.5, 8),
            ("tls garbage", self.says(lambda: b"\x16\x03\x01" + self.noise(500)), tcp, 0.5, 4),
            ("web socket", self.web_socket, tcp, 0.5, 6),
            ("admin", self.says(self.big), self.admin, 1, 2),
        ]
        jobs = [self.again(kind, deed, target, pause) for kind, deed, target, pause, count in deeds for _ in range(count)]
        jobs += [self.datagrams(self.udp), self.datagrams(self.dht)]
        await asyncio.gather(*jobs)


def reset(connection):
    return connection.fileno() < 0 or connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or closed_wait(connection)


def closed_wait(connection):
    """Whether the other end has closed, by the state that TCP_INFO begins with: anything but ESTABLISHED."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


def handshake(infohash, peer=PEER_ID):
    return b"\x13BitTorrent protocol" + bytes(8) + infohash + peer


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


# ---- The run


def main():
    options = parsed()
    if options.attack:
        return attack(options)
    folder = Path(tempfile.mkdtemp(prefix="lab-abuse-"))
    report, setting = Report(), None
    try:
        setting = Setting(folder)
        abused(report, setting, options)
    except (NotReady, Gone, subprocess.CalledProcessError) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        if setting:
            stop_all(setting.programs)
        if report.failed or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    sys.exit(1 if report.failed else 0)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/lab abuse", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    parser.add_argument("--attack", help=argparse.SUPPRESS)
    return parser.parse_args()


class Target:
    """What the attackers' own process knows of the relay."""

    def __init__(self, facts):
        self.__dict__.update(facts)
        self.relay = self

    def address(self, which):
        return tuple(self.addresses[which])

    def infohashes(self):
        return [bytes.fromhex(text) for text in self.hashes]

    def get(self, path, which):
        connection = http.client.HTTPConnection(*self.address(which), timeout=30)
        connection.request("GET", path)
        return connection.getresponse().read()


def attack(options):
    run = Attack(Target(json.loads(options.attack)), options.seconds, options.seed)
    asyncio.run(run.run())
    print(json.dumps({"tried": run.tried, "refused": run.refused}))


def attacked(setting, options, seconds):
    """Runs the attackers in a process of their own; how often they tried and were refused."""
    facts = {
        "key": setting.key,
        "hashes": [h.hex() for h in setting.infohashes()],
        "addresses": {which: setting.relay.address(which) for which in ("tcp", "udp", "dht", "admin", "http")},
    }
    command = [sys.executable, __file__, "--attack", json.dumps(facts), "--seconds", str(seconds), "--seed", str(options.seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(5), check=True)
    return json.loads(done.stdout)


def abused(report, setting, options):
    end = time.monotonic() + GIVE_UP_SECONDS
    while len(loop_feed.listed(setting.relay, setting.key, "live.m3u8")) < BEHIND and time.monotonic() < end:
        time.sleep(1)
    viewers = [HlsViewer("hls viewer", setting), WireViewer("wire viewer", setting)]
    for viewer in viewers:
        viewer.start()
    time.sleep(SECONDS * BEHIND)
    attacked(setting, options, WARM_SECONDS)  # Java loads and compiles what it has not needed yet: that is not what is asked.
    time.sleep(SETTLE_SECONDS)
    stalls_before = [len(viewer.stalls) for viewer in viewers]
    heap, resident = setting.memory()
    before = setting.refused()
    result = attacked(setting, options, options.seconds)
    peak = setting.memory()[1]
    for viewer, early in zip(viewers, stalls_before):
        stalls = viewer.stalls[early:]
        report.check(f"the {viewer.name} plays on", viewer.played > options.seconds / SECONDS / 2 and not stalls, f"{viewer.played} chunks, stalls {stalls}, tried again {viewer.again} times")
    time.sleep(SETTLE_SECONDS)
    heap_after, resident_after = setting.memory()
    report.check("the heap is where it was", heap_after <= heap + HEAP_MAY_GROW, f"{heap / 1e6:.0f} -> {heap_after / 1e6:.0f} MB")
    detail = f"{resident / 1e6:.0f} -> {resident_after / 1e6:.0f} MB, {peak / 1e6:.0f} at the end of the attack"
    report.check("resident memory beside the cache is where it was", resident_after <= resident * (1 + RESIDENT_MAY_GROW), detail)
    after = setting.refused()
    counted = {kind: int(after[kind] - before[kind]) for kind in after}
    refused = sum(result["refused"].values())
    tcp = counted["http"] + counted["connections"]
    report.check("every refusal is counted", 0 < refused <= tcp and counted["datagrams"] > 0, f"{refused} connections refused; counted {counted}")
    for kind, tried in sorted(result["tried"].items()):
        print(f"     {kind}: {tried} tried, {result['refused'].get(kind, 0)} refused")
    for viewer in viewers:
        viewer.stop()


if __name__ == "__main__":
    main()
