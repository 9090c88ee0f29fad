"""What a relay takes of a small machine: processor time until READY, and memory with 200 viewers on it.

Three in four viewers play by HTTP, each on a connection of its own: the playlist once in a target duration, and every chunk that is
new. The others fetch each new chunk as its own torrent. Nobody keeps what he gets.
"""

import argparse
import asyncio
import json
import re
import resource
import shutil
import statistics
import struct
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab.d"))
sys.path.insert(0, str(HERE))

import loop_feed  # noqa: E402
from program import Gone, NotReady, Program, stop_all  # noqa: E402

VIEWERS, BY_WIRE = 200, 50
CHUNKS, CHUNK_SECONDS, CHUNK_BYTES = 16, 2, 750_000  # 3 Mbit/s
PLAYED_SECONDS = 60
SAMPLE_SECONDS = 1
READY_CPU_MUST, RESIDENT_MUST = 2.0, 300.0
BLOCK, PIECE = 16 * 1024, 64 * 1024
UNCHOKE, INTERESTED, REQUEST, PIECE_ID = 1, 2, 6, 7
PATIENCE = 30


class Viewers:
    """The viewers of one relay, and what became of what they asked for."""

    def __init__(self, relay, origin, key):
        self.relay, self.origin, self.key = relay, origin, key
        self.address = relay.address("http")
        self.chunks = self.bytes = 0
        self.failed = []

    async def play(self, seconds):
        """All of them for so long; samples of the relay's resident bytes."""
        watching = [asyncio.create_task(self.watch(self.by_http)) for _ in range(VIEWERS - BY_WIRE)]
        watching += [asyncio.create_task(self.watch(self.by_wire)) for _ in range(BY_WIRE)]
        samples, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(SAMPLE_SECONDS)
            samples.append(self.relay.resident_bytes())
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        return samples

    async def watch(self, how):
        try:
            await how()
        except (OSError, EOFError, ValueError) as failure:
            self.failed.append(repr(failure))

    async def by_http(self):
        reader, writer = await asyncio.open_connection(*self.address)
        seen, base = set(), f"/live/{self.key}/0/"
        while True:
            playlist = await self.get(reader, writer, base + "live.m3u8")
            listed = re.findall(r"^(\d+\.ts)", playlist.decode(), re.MULTILINE)
            for name in [name for name in listed[-3:] if name not in seen]:
                self.got(len(await self.get(reader, writer, base + name)))
                seen.add(name)
            await asyncio.sleep(CHUNK_SECONDS)

    @staticmethod
    async def get(reader, writer, path):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode().lower()
        if not head.startswith("http/1.1 200"):
            raise ValueError(f"{path}: {head.splitlines()[0]}")
        length = int(re.search(r"content-length: (\d+)", head).group(1))
        return await asyncio.wait_for(reader.readexactly(length), PATIENCE)

    async def by_wire(self):
        seen = set()
        while True:
            playlist = await asyncio.to_thread(self.origin.get, f"/live/{self.key}/0/magnets.m3u8", "http")
            listed = re.findall(r"urn:btih:([0-9a-f]{40})", urllib.parse.unquote(playlist.decode()))
            for infohash in [infohash for infohash in listed[-4:-1] if infohash not in seen]:
                self.got(await self.fetch(bytes.fromhex(infohash)))
                seen.add(infohash)
            await asyncio.sleep(CHUNK_SECONDS)

    async def fetch(self, infohash):
        """A chunk's torrent, block by block; the bytes that came."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write(b"\x13BitTorrent protocol" + bytes(8) + infohash + b"-BN0001-" + bytes(12) + struct.pack(">IB", 1, INTERESTED))
            await asyncio.wait_for(reader.readexactly(68), PATIENCE)
            while (await self.message(reader))[0] != UNCHOKE:
                pass
            length = CHUNK_BYTES // loop_feed.TS_PACKET * loop_feed.TS_PACKET
            for at in range(0, length, BLOCK):
                writer.write(struct.pack(">IBIII", 13, REQUEST, at // PIECE, at % PIECE, min(BLOCK, length - at)))
            got = 0
            while got < length:
                kind, body = await self.message(reader)
                got += body - 8 if kind == PIECE_ID else 0
            return got
        finally:
            writer.close()

    @staticmethod
    async def message(reader):
        """(id, length of what follows it)"""
        length = 0
        while length == 0:  # A keep-alive.
            length = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), PATIENCE))[0]
        body = await asyncio.wait_for(reader.readexactly(length), PATIENCE)
        return body[0], length - 1

    def got(self, count):
        self.chunks += 1
        self.bytes += count


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench relay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seed", type=int, default=1, help="of the chunks' bytes")
    parser.add_argument("--rounds", type=int, default=7, help="starts; fewer than 7 (the default) are a first look")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder, programs = Path(tempfile.mkdtemp(prefix="bench-relay-")), []
    try:
        measure(folder, programs, options)
    except (NotReady, Gone) as failure:
        sys.exit(f"scripts/bench relay: {failure}")
    finally:
        stop_all(programs)
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder, programs, options):
    def start(name, module, *arguments):
        programs.append(Program(name, module, [*arguments, *loop_feed.LOOPBACK, "--max-upload", "1Gbit"], folder))
        return programs[-1].await_ready()

    playlist = loop_feed.write(folder / "hls", options.seed, CHUNKS, CHUNK_SECONDS, CHUNK_BYTES)
    origin = start("origin", "origin", "--hls", str(playlist), "--loop", "--name", "Bench")
    carry = ["--stream", origin.ready["id"], "--peer", origin.ready["tcp"], "--no-port-mapping"]
    used = []
    for number in range(options.rounds):
        relay = start(f"relay{number}", "relay", *carry)
        used.append(relay.start_cpu_seconds)
        if number < options.rounds - 1:
            relay.stop()
    show(options, "relay.ready.cpu", statistics.median(used), "s", "must", READY_CPU_MUST, len(used))
    end = time.monotonic() + PATIENCE
    while len(loop_feed.listed(relay, origin.ready["id"], "replay.m3u8")) < 3:
        if time.monotonic() > end:
            raise NotReady(f"relay: fewer than three chunks after {PATIENCE} s:\n{relay.last_words()}")
        time.sleep(CHUNK_SECONDS)
    before = relay.resident_bytes()
    viewers = Viewers(relay, origin, origin.ready["id"])
    samples = asyncio.run(viewers.play(PLAYED_SECONDS))
    if viewers.failed:
        print(f"{len(viewers.failed)} viewers gave up: {viewers.failed[0]}", file=sys.stderr)
    show(options, "relay.viewers", VIEWERS - len(viewers.failed), "viewers", "asked for", VIEWERS, 1)
    show(options, "relay.chunks", viewers.chunks / VIEWERS, "chunks", "published meanwhile", PLAYED_SECONDS / CHUNK_SECONDS, 1)
    show(options, "relay.resident.before", before / 2**20, "MiB", "must", RESIDENT_MUST, 1)
    show(options, "relay.resident.median", statistics.median(samples) / 2**20, "MiB", "must", RESIDENT_MUST, len(samples))
    show(options, "relay.resident.most", max(samples) / 2**20, "MiB", "must", RESIDENT_MUST, len(samples))


def show(options, name, value, unit, reference, reference_value, rounds):
    if options.json:
        line = {"name": name, "value": round(value, 4), "unit": unit, "reference": reference, "reference_value": reference_value}
        print(json.dumps({**line, "ratio": round(value / reference_value, 3), "rounds": rounds}), flush=True)
    else:
        print(f"{name:24} {value:9.2f} {unit:8} {reference_value:9.2f} {value / reference_value:7.2f} x  {reference} ({rounds} rounds)", flush=True)


if __name__ == "__main__":
    main()
