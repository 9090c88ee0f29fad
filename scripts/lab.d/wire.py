"""The lab's wire: a switch of IPv4 packets between TUN devices, with rate, delay and loss per host and pair.

A packet waits for its sender's uplink, travels the pair's delay, may be lost on the way, and waits for its receiver's
downlink. Both waits are bounded queues that drop at the tail. Lines are clocks, not buckets: a packet leaves when the line
has carried all before it, so that rates hold however late this process wakes.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass, field

MTU = 1500
TCP_PAYLOAD = MTU - 20 - 20 - 12  # IPv4, TCP, timestamps
LINE_PER_PAYLOAD = MTU / TCP_PAYLOAD  # rates are told as what TCP can carry; the line carries its headers too
MIN_QUEUE_BYTES = 64 * 1024
PACKETS_PER_TURN = 64  # read from one device before the others have their turn
LONGEST_SLEEP = 0.2

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PR_SET_PDEATHSIG = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
TCP_SYN = 0x02
TCP_ACK = 0x10
UDP_HEADER = 8


@dataclass(frozen=True)
class Line:
    """A host's line: bits of TCP payload a second in each direction, and how long its queues may grow."""

    up: float
    down: float
    queue_seconds: float = 0.25


@dataclass
class Counters:
    """What one host sent and got: packets of any kind, bytes of IP, and bytes above TCP and UDP."""

    sent_packets: int = 0
    sent_bytes: int = 0
    sent_payload: int = 0
    received_packets: int = 0
    received_bytes: int = 0
    received_payload: int = 0
    lost_packets: int = 0
    dropped_uplink: int = 0
    dropped_downlink: int = 0
    unroutable: int = 0
    payload_to: dict = field(default_factory=dict)


class Direction:
    """One direction of a line: busy until all that it accepted has passed."""

    def __init__(self, payload_rate, queue_seconds):
        self.byte_seconds = 8 / (payload_rate * LINE_PER_PAYLOAD)
        self.longest_wait = max(queue_seconds, MIN_QUEUE_BYTES * self.byte_seconds)
        self.free_at = 0.0

    def leaves_at(self, now, length):
        """When a packet that arrives now has passed, or 0.0 where the queue is full."""
        begins = self.free_at if self.free_at > now else now
        if begins - now > self.longest_wait:
            return 0.0
        self.free_at = begins + length * self.byte_seconds
        return self.free_at


class Switch:
    """Where packets are and when they go on. Does no I/O and reads no clock: `send`, then `due` hands out what has arrived."""

    def __init__(self, addresses, lines, delays, losses, seed, closed=()):
        """closed: hosts that no connection can be made to, as behind a NAT. delays and losses: square, [from][to], seconds one way and shares of 1."""
        self.index = {socket.inet_aton(address): at for at, address in enumerate(addresses)}
        self.names = list(addresses)
        self.up = [Direction(line.up, line.queue_seconds) for line in lines]
        self.down = [Direction(line.down, line.queue_seconds) for line in lines]
        self.delays = delays
        self.losses = losses
        self.closed = frozenset(closed)
        self.chance = random.Random(seed)
        self.counters = [Counters() for _ in lines]
        self.on_the_way = []  # (when, order, host, packet, through the downlink already)
        self.order = 0

    def send(self, sender, packet, now):
        counters = self.counters[sender]
        length = len(packet)
        receiver = self.index.get(packet[16:20])
        if receiver is None or packet[0] >> 4 != 4:
            counters.unroutable += 1
            return
        if receiver in self.closed and opens_connection(packet):
            counters.unroutable += 1
            return
        payload = payload_length(packet)
        leaves = self.up[sender].leaves_at(now, length)
        if not leaves:
            counters.dropped_uplink += 1
            return
        counters.sent_packets += 1
        counters.sent_bytes += length
        counters.sent_payload += payload
        name = self.names[receiver]
        counters.payload_to[name] = counters.payload_to.get(name, 0) + payload
        loss = self.losses[sender][receiver]
        if loss and self.chance.random() < loss:
            counters.lost_packets += 1
            return
        self._later(leaves + self.delays[sender][receiver], receiver, packet, False)

    def due(self, now):
        """Yields (host, packet) for all that has arrived by now."""
        while self.on_the_way and self.on_the_way[0][0] <= now:
            when, _, receiver, packet, through = heapq.heappop(self.on_the_way)
            counters = self.counters[receiver]
            if not through:
                leaves = self.down[receiver].leaves_at(when, len(packet))
                if not leaves:
                    counters.dropped_downlink += 1
                    continue
                if leaves > now:
                    self._later(leaves, receiver, packet, True)
                    continue
            counters.received_packets += 1
            counters.received_bytes += len(packet)
            counters.received_payload += payload_length(packet)
            yield receiver, packet

    def next_due(self):
        return self.on_the_way[0][0] if self.on_the_way else None

    def snapshot(self):
        return {name: dict(vars(counters)) for name, counters in zip(self.names, self.counters)}

    def _later(self, when, host, packet, through):
        self.order += 1
        heapq.heappush(self.on_the_way, (when, self.order, host, packet, through))


def opens_connection(packet):
    """Whether it is a TCP SYN without ACK."""
    header = (packet[0] & 0x0F) * 4
    return packet[9] == PROTOCOL_TCP and packet[header + 13] & (TCP_SYN | TCP_ACK) == TCP_SYN


def payload_length(packet):
    """Bytes above TCP or UDP."""
    header = (packet[0] & 0x0F) * 4
    protocol = packet[9]
    if protocol == PROTOCOL_TCP:
        return len(packet) - header - (packet[header + 12] >> 4) * 4
    if protocol == PROTOCOL_UDP:
        return len(packet) - header - UDP_HEADER
    return 0


def open_tun(name):
    """A TUN device in the network namespace of the caller; it lives as long as the descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def die_with_parent():
    """Has the kernel end this process when its parent ends, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Wire:
    """The switch as a process of its own, over TUN descriptors that it inherits."""

    def __init__(self, switch, devices):
        self.control, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.control.close()
            _run_and_exit(switch, devices, theirs)
        theirs.close()
        for device in devices:
            os.close(device)
        self._answers = self.control.makefile("r")

    def counters(self):
        """What each host sent and got so far, by address."""
        self.control.sendall(b"c")
        return json.loads(self._answers.readline())

    def close(self):
        self.control.close()
        self._answers.close()
        os.waitpid(self.pid, 0)


def _run_and_exit(switch, devices, control):
    status = 1
    try:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
        _prefer_this_process()
        _run(switch, devices, control)
        status = 0
    finally:
        os._exit(status)


def _prefer_this_process():
    """A late wire would be measured as a slow mesh."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        os.nice(-10)


def _run(switch, devices, control):
    now = time.monotonic
    read_from = {device: host for host, device in enumerate(devices)}
    waiting_for = [*devices, control]
    while True:
        for host, packet in switch.due(now()):
            _write(devices[host], packet)
        due = switch.next_due()
        sleep = LONGEST_SLEEP if due is None else min(LONGEST_SLEEP, max(0.0, due - now()))
        readable, _, _ = select.select(waiting_for, [], [], sleep)
        for source in readable:
            if source is control:
                if not _answer(control, switch):
                    return
            else:
                _read(source, read_from[source], switch, now)


def _answer(control, switch):
    asked = control.recv(1)
    if asked:
        control.sendall(json.dumps(switch.snapshot()).encode() + b"\n")
    return bool(asked)


def _read(device, host, switch, now):
    for _ in range(PACKETS_PER_TURN):
        try:
            packet = os.read(device, MTU)
        except BlockingIOError:
            return
        switch.send(host, packet, now())


def _write(device, packet):
    try:
        os.write(device, packet)
    except (BlockingIOError, OSError):
        pass  # the host is gone or its device is down: a line that nobody listens to
