"""Hosts on one machine: network namespaces without names, joined by the lab's wire.

A namespace lives as long as this process holds its descriptor, a TUN device as long as the wire does, and every process
ends with this one: nothing is left behind, however the lab ends.
"""

import contextlib
import ctypes
import http.client
import os
import socket
import subprocess

import wire

CLONE_NEWNET = 0x40000000
DEVICE = "lab"
CONNECT_SECONDS = 5
STOP_SECONDS = 6
_libc = ctypes.CDLL(None, use_errno=True)


def address(number):
    """The number'th address of 198.18.0.0/15: for benchmarks only, never routed, and not filtered as private by DHT nodes."""
    return socket.inet_ntoa((0xC6120000 + number).to_bytes(4, "big"))


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


class Host:
    """A network namespace with one address, one TUN device and a default route into it."""

    def __init__(self, name, ip, congestion="cubic"):
        self.name = name
        self.ip = ip
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.unshare(CLONE_NEWNET), "unshare")
            try:
                self._namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
                self.device = wire.open_tun(DEVICE)
                self._configure(congestion)
            finally:
                _check(_libc.setns(outside, CLONE_NEWNET), "setns")
        finally:
            os.close(outside)

    def _configure(self, congestion):
        for command in (
            ["link", "set", "lo", "up"],
            ["addr", "add", self.ip, "dev", DEVICE],
            ["link", "set", DEVICE, "mtu", str(wire.MTU), "up"],
            # By route: a namespace may not choose its default among all that the kernel has.
            ["route", "add", "default", "dev", DEVICE, "src", self.ip, "congctl", congestion],
        ):
            subprocess.run(["ip", "-4", *command], check=True)
        with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6", "w") as setting:
            setting.write("1")

    def enter(self):
        """Moves the calling thread into this host, for good: for a child between fork and exec."""
        _check(_libc.setns(self._namespace, CLONE_NEWNET), "setns")

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        """A socket of this host, for use anywhere: a socket stays in the namespace that it was made in."""
        with self._inside():
            return socket.socket(family, kind)

    def connect(self, ip, port):
        """A TCP connection from this host."""
        made = self.socket()
        made.settimeout(CONNECT_SECONDS)
        made.connect((ip, port))
        return made

    def get(self, ip, port, path):
        """The body of an HTTP answer, asked for from this host."""
        with contextlib.closing(http.client.HTTPConnection(ip, port)) as connection:
            connection.sock = self.connect(ip, port)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        if answer.status != http.client.OK:
            raise ConnectionError(f"{path} of {self.name}: {answer.status}")
        return body

    def start(self, command, **options):
        """A process on this host; ends with this one at the latest."""

        def prepare():
            wire.die_with_parent()
            self.enter()

        return subprocess.Popen(command, preexec_fn=prepare, **options)

    @contextlib.contextmanager
    def _inside(self):
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self.enter()
            yield
        finally:
            _check(_libc.setns(outside, CLONE_NEWNET), "setns")
            os.close(outside)


class Network:
    """Hosts and the wire between them. Use as a context: leaving it takes all down."""

    def __init__(self, names, lines, delays, losses, seed, congestion="cubic"):
        self.hosts = [Host(name, address(at + 1), congestion) for at, name in enumerate(names)]
        switch = wire.Switch([host.ip for host in self.hosts], lines, delays, losses, seed)
        self._wire = wire.Wire(switch, [host.device for host in self.hosts])

    def counters(self):
        """What each host sent and got so far, by the host's name."""
        by_ip = self._wire.counters()
        return {host.name: by_ip[host.ip] for host in self.hosts}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._wire.close()
