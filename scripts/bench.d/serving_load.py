"""Peers of BEP 3 as load: leeches that throw everything away, healthy ones with a stopwatch, and those that stall, dawdle or do nothing."""

import contextlib
import multiprocessing
import os
import select
import socket
import struct
import time

BLOCK = 16 * 1024
ANSWER = 13 + BLOCK
PIECE = 64 * 1024
CHOKE, UNCHOKE, INTERESTED, REQUEST, PIECE_ID = 0, 1, 2, 6, 7
READ = 1 << 20
STALL_SECONDS = 20
SLOW_BYTES_A_SECOND = 125_000
LATENCY_PAUSE = 0.002


class Peer:
    """One connection to one torrent, up to the moment at which it is unchoked."""

    def __init__(self, port, infohash, length, receive_buffer=0, patience=STALL_SECONDS):
        self.blocks = length // BLOCK  # The last, short one is never asked for.
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"\x13BitTorrent protocol" + bytes(8) + infohash + b"-BN0001-" + os.urandom(12))
        self.exactly(68)

    def exactly(self, count):
        parts = b""
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                raise EOFError("closed by the server")
            parts += part
        return parts

    def message(self):
        """(id, body) of the next message; keep-alives are passed over."""
        while True:
            length = struct.unpack(">I", self.exactly(4))[0]
            if length:
                body = self.exactly(length)
                return body[0], body[1:]

    def unchoked(self):
        """Becomes interested; the seconds until it is unchoked."""
        began = time.perf_counter()
        self.socket.sendall(struct.pack(">IB", 1, INTERESTED))
        while self.message()[0] != UNCHOKE:
            pass
        return time.perf_counter() - began

    def close(self):
        self.socket.close()


def requests(first, count, blocks):
    """The bytes of so many REQUESTs, from block `first` on and round again."""
    asked = ((first + i) % blocks * BLOCK for i in range(count))
    return b"".join(struct.pack(">IBIII", 13, REQUEST, at // PIECE, at % PIECE, BLOCK) for at in asked)


class Leech:
    """Connections that keep a pipeline full and let the kernel throw the answers away."""

    def __init__(self, port, torrents, pipeline, raw=False):
        self.pipeline, self.raw = pipeline, raw
        self.port, self.torrents = port, torrents

    def take(self, total):
        """Takes at least so many bytes, on all connections together; returns how many."""
        share = total // len(self.torrents)
        return self._take_raw(share) if self.raw else self._take_blocks(share)

    def _take_blocks(self, share):
        wanted = share // BLOCK
        peers = [Peer(self.port, *torrent) for torrent in self.torrents]
        for peer in peers:
            peer.unchoked()
            peer.asked, peer.got = 0, 0
            peer.all = requests(0, peer.blocks, peer.blocks) * 2
            self._ask(peer, min(self.pipeline, wanted), wanted)
        return self._read(peers, wanted * ANSWER, lambda peer: self._ask(peer, peer.got // ANSWER + self.pipeline - peer.asked, wanted))

    @staticmethod
    def _ask(peer, count, wanted):
        count = min(count, wanted - peer.asked, peer.blocks)
        if count > 0:
            at = peer.asked % peer.blocks
            peer.socket.sendall(peer.all[17 * at : 17 * (at + count)])
            peer.asked += count

    def _take_raw(self, share):
        peers = []
        for _ in self.torrents:
            peer = Raw(self.port)
            peer.socket.sendall(struct.pack(">Q", share))
            peers.append(peer)
        return self._read(peers, share, lambda peer: None)

    @staticmethod
    def _read(peers, share, ask):
        scratch = bytearray(READ)
        poll = select.epoll()
        open_peers = {peer.socket.fileno(): peer for peer in peers}
        for number, peer in open_peers.items():
            peer.socket.setblocking(True)
            peer.socket.settimeout(STALL_SECONDS)
            poll.register(number, select.EPOLLIN)
        total = 0
        while open_peers:
            ready = poll.poll(STALL_SECONDS)
            if not ready:
                raise EOFError(f"nothing for {STALL_SECONDS} s, {[share - peer.got for peer in open_peers.values()]} bytes missing")
            for number, _ in ready:
                peer = open_peers[number]
                count = peer.socket.recv_into(scratch, READ, socket.MSG_TRUNC)
                if count == 0:
                    raise EOFError("closed by the server")
                peer.got += count
                total += count
                if peer.got >= share:
                    poll.unregister(number)
                    peer.close()
                    del open_peers[number]
                else:
                    ask(peer)
        return total


class Raw:
    """A connection to the sendfile server: a number goes there, so many bytes come back."""

    def __init__(self, port):
        self.got = 0
        self.socket = socket.create_connection(("127.0.0.1", port), STALL_SECONDS)

    def close(self):
        self.socket.close()


def unchoke_seconds(port, infohash, length, patience=STALL_SECONDS):
    peer = Peer(port, infohash, length, patience=patience)
    try:
        return peer.unchoked()
    finally:
        peer.close()


def latencies(port, infohash, length, seconds):
    """The seconds that each block took, asked for one at a time, for so long."""
    peer = Peer(port, infohash, length)
    peer.unchoked()
    took, block, end = [], 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        asked = time.perf_counter()
        peer.socket.sendall(requests(block, 1, peer.blocks))
        while peer.message()[0] != PIECE_ID:
            pass
        took.append(time.perf_counter() - asked)
        block += 1
        time.sleep(LATENCY_PAUSE)
    peer.close()
    return took


@contextlib.contextmanager
def misbehaving(port, torrents, stalled, slow):
    """So many peers that ask and never read, and so many that read at a Mbit/s, in a process of their own, while this lasts."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_misbehave, args=(there, port, torrents, stalled, slow), daemon=True)
    process.start()
    try:
        if not here.poll(60):
            raise EOFError("the misbehaving peers did not get ready")
        here.recv()
        yield
    finally:
        process.kill()
        process.join()


def _misbehave(told, port, torrents, stalled, slow):
    os.nice(5)
    peers = []
    for number in range(stalled + slow):
        peer = Peer(port, *torrents[number % len(torrents)], receive_buffer=4096 if number < stalled else 65536)
        peer.unchoked()
        peer.socket.sendall(requests(0, 500, peer.blocks))
        peer.asked, peer.got = 500, 0
        peers.append(peer)
    told.send("ready")
    scratch = bytearray(READ)
    step = 0.05
    while True:
        time.sleep(step)
        for peer in peers[stalled:]:
            peer.got += peer.socket.recv_into(scratch, int(SLOW_BYTES_A_SECOND * step), socket.MSG_TRUNC)
            while peer.got // ANSWER + 500 - peer.asked >= 50:
                peer.socket.sendall(requests(peer.asked, 50, peer.blocks))
                peer.asked += 50


@contextlib.contextmanager
def idle_peers(port, torrents, count):
    """So many peers with nothing but their handshakes behind them; gives how many are held."""
    peers = []
    try:
        for number in range(count):
            peer = Peer(port, *torrents[number % len(torrents)])
            peer.message()  # What it has.
            peers.append(peer)
        closed = 0
        poll = select.poll()
        for peer in peers:
            poll.register(peer.socket, select.POLLRDHUP | select.POLLHUP)
        closed = len(poll.poll(1000))
        yield len(peers) - closed
    finally:
        for peer in peers:
            peer.close()
