"""Hosts on one machine: network namespaces joined by a wire.

A namespace lives as long as this process holds its descriptor, a device as long as its namespace or the wire, and every
process ends with this one: nothing is left behind, however the lab ends.
"""

import contextlib
import http.client
import os
import socket
import subprocess

import netem
import wire
from namespace import Namespace

DEVICE = "lab"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30  # eleven programs that start at once are compiled at once
FIRST_ADDRESS = 0xC6120000


def address(number):
    """The number'th address of 198.18.0.0/15: for benchmarks only, never routed, and not filtered as private by DHT nodes."""
    return socket.inet_ntoa((FIRST_ADDRESS + number).to_bytes(4, "big"))


class Host:
    """A network namespace with one address, and a default route into the lab's wire."""

    def __init__(self, name, ip):
        self.name = name
        self.ip = ip
        self.namespace = Namespace()

    def configure(self, congestion):
        """Brings the device up, once it is there."""
        with self.namespace.entered():
            with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6", "w") as setting:
                setting.write("1")
            for command in (
                ["link", "set", "lo", "up"],
                ["addr", "add", self.ip, "dev", DEVICE],
                ["link", "set", DEVICE, "mtu", str(wire.MTU), "up"],
                # By route: a namespace may not choose its default among all that the kernel has.
                ["route", "add", "default", "dev", DEVICE, "src", self.ip, "congctl", congestion],
            ):
                subprocess.run(["ip", "-4", *command], check=True)

    def socket(self, kind=socket.SOCK_STREAM):
        """A socket of this host, for use anywhere: a socket stays in the namespace that it was made in."""
        with self.namespace.entered():
            return socket.socket(socket.AF_INET, kind)

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
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        if answer.status != http.client.OK:
            raise ConnectionError(f"{path} of {self.name}: {answer.status}")
        return body

    def start(self, command, nice=0, **options):
        """A process on this host; ends with this one at the latest."""

        def prepare():
            wire.die_with_parent()
            os.nice(nice)
            self.namespace.enter()

        return subprocess.Popen(command, preexec_fn=prepare, **options)


class Network:
    """Hosts and the wire between them. Use as a context: leaving it takes all down."""

    def __init__(self, names, lines, delays, losses, seed, congestion="cubic", in_kernel=None, closed=(), capture=None):
        """in_kernel: whether netem is the wire; where it is there, unless said. capture: a folder for pcaps of all that passes."""
        self.hosts = [Host(name, address(at + 1)) for at, name in enumerate(names)]
        self.in_kernel = netem.kernel_has_netem() if in_kernel is None else in_kernel
        make = self._netem if self.in_kernel else self._switch
        if closed or capture:  # What netem cannot do.
            self.in_kernel, make = False, self._switch
        self._closed = closed
        self._capture = capture
        self._wire = make([host.ip for host in self.hosts], lines, delays, losses, seed)
        for host in self.hosts:
            host.configure(congestion)

    def _netem(self, addresses, lines, delays, losses, _):
        return netem.NetemWire([host.namespace for host in self.hosts], addresses, DEVICE, lines, delays, losses)

    def _switch(self, addresses, lines, delays, losses, seed):
        devices = []
        for host in self.hosts:
            with host.namespace.entered():
                devices.append(wire.open_tun(DEVICE))
        return wire.Wire(wire.place(addresses, lines, delays, losses, seed, devices, self._closed, self._capture), devices)

    def counters(self):
        """What each host sent and got so far, by the host's name."""
        by_ip = self._wire.counters()
        return {host.name: by_ip[host.ip] for host in self.hosts}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._wire.close()
