"""The lab's wire between TUN devices, where the kernel has no netem: a small switch in C (`switch.c`), built when it is needed."""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / "target" / "lab"
MTU = 1500
TCP_PAYLOAD = MTU - 20 - 20 - 12  # IPv4, TCP, timestamps
LINE_PER_PAYLOAD = MTU / TCP_PAYLOAD  # rates are told as what TCP can carry; the line carries its headers too
MIN_QUEUE_BYTES = 64 * 1024
CLOSE_SECONDS = 5

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Line:
    """A host's line: bits of TCP payload a second in each direction, and how long its queues may grow."""

    up: float
    down: float
    queue_seconds: float = 0.25


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

    def __init__(self, place, devices):
        self._switch = subprocess.Popen([built()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=devices)
        self._switch.stdin.write(place)
        self._switch.stdin.flush()
        for device in devices:
            os.close(device)

    def counters(self):
        """What each host sent and got so far, by address: packets of any kind, bytes of IP, and bytes above TCP and UDP."""
        self._switch.stdin.write("c")
        self._switch.stdin.flush()
        return json.loads(self._switch.stdout.readline())

    def close(self):
        self._switch.stdin.close()
        self._switch.wait(CLOSE_SECONDS)
        self._switch.stdout.close()


def place(addresses, lines, delays, losses, seed, devices, closed=(), capture=None):
    """The switch's input. delays and losses: square, [from][to], seconds one way and shares of 1.

    closed: hosts that no connection can be made to, as behind a NAT. capture: a folder for two pcaps, what hosts sent and what reached them.
    """
    words = [f"{len(addresses)} {seed} {capture or '-'}"]
    for at, (address, line, device) in enumerate(zip(addresses, lines, devices)):
        words.append(f"{address} {device} {int(at in closed)} {_direction(line.up, line)} {_direction(line.down, line)}")
    for delay, loss in zip(delays, losses):
        words.append(" ".join(f"{one:.9f} {other:.9f}" for one, other in zip(delay, loss)))
    return "\n".join(words) + "\n"


def _direction(payload_rate, line):
    byte_seconds = 8 / (payload_rate * LINE_PER_PAYLOAD)
    return f"{byte_seconds:.15g} {max(line.queue_seconds, MIN_QUEUE_BYTES * byte_seconds):.9g}"


def built():
    """The switch, compiled once for each of its versions."""
    source = HERE / "switch.c"
    program = BUILT / f"switch-{zlib.crc32(source.read_bytes()):08x}"
    if not program.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        being_made = program.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", being_made, source], check=True)
        being_made.rename(program)
    return program
