"""The lab's wire where the kernel has netem: veth pairs to a bridge, htb for uplinks, netem for each pair, tbf for downlinks.

Cheaper than the lab's own switch, so good for more hosts; but what travels above TCP is reckoned, not counted, and
losses come from no seed. `lab selftest` proves it like the other.
"""

import json
import os
import subprocess

from namespace import Namespace
from wire import LINE_PER_PAYLOAD, MIN_QUEUE_BYTES, MTU, TCP_PAYLOAD

ETHERNET_HEADER = 14
PACKET_HEADERS = MTU - TCP_PAYLOAD
BURST_BYTES = 16 * 1024
FIRST_CLASS = 16  # of a pair; below are the root's own


def kernel_has_netem():
    """Asks the kernel, in a namespace of no further use."""
    with Namespace().entered():
        tried = subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], capture_output=True)
        return tried.returncode == 0


class NetemWire:
    """Lines and delays between namespaces whose device is called `device`, as `wire.Wire` but in the kernel."""

    def __init__(self, namespaces, addresses, device, lines, delays, losses):
        self._namespaces = namespaces
        self._addresses = addresses
        self._device = device
        self._switch = Namespace()
        with self._switch.entered():
            _run("ip", "link", "add", "bridge", "type", "bridge", "stp_state", "0", "forward_delay", "0")
            _run("ip", "link", "set", "bridge", "up")
            for at, line in enumerate(lines):
                self._plug(at, line)
        for at in range(len(lines)):
            self._shape(at, lines[at], delays[at], losses[at])

    def _plug(self, at, line):
        port = f"host{at}"
        end = f"/proc/{os.getpid()}/fd/{self._namespaces[at].descriptor}"
        _run("ip", "link", "add", port, "type", "veth", "peer", "name", self._device, "netns", end)
        # One packet at a time, as on a real line; else netem would lose and delay 64 KB at once.
        _run("ip", "link", "set", port, "gso_max_segs", "1", "gso_max_size", str(MTU), "master", "bridge", "up")
        rate = round(line.down * LINE_PER_PAYLOAD)
        _run("tc", "qdisc", "add", "dev", port, "root", "tbf", "rate", f"{rate}bit", "burst", str(BURST_BYTES), "limit", str(_queue(rate, line)))

    def _shape(self, at, line, delays, losses):
        rate = round(line.up * LINE_PER_PAYLOAD)
        packets = max(1, _queue(rate, line) // MTU)
        dev = f"dev {self._device}"
        commands = [f"qdisc add {dev} root handle 1: htb", f"class add {dev} parent 1: classid 1:1 htb rate {rate}bit burst {BURST_BYTES} quantum {MTU}"]
        others = [other for other in range(len(self._addresses)) if other != at]
        for other in others:
            minor = f"{FIRST_CLASS + other:x}"
            share = max(1000, rate // len(others))
            in_flight = packets + round(delays[other] * rate / 8 / MTU)
            commands += [
                f"class add {dev} parent 1:1 classid 1:{minor} htb rate {share}bit ceil {rate}bit burst {BURST_BYTES} cburst {BURST_BYTES} quantum {MTU}",
                f"qdisc add {dev} parent 1:{minor} netem limit {in_flight} delay {round(delays[other] * 1e6)}us loss {100 * losses[other]:.4f}%",
                f"filter add {dev} parent 1: protocol ip u32 match ip dst {self._addresses[other]}/32 flowid 1:{minor}",
            ]
        with self._namespaces[at].entered():
            _run("ip", "link", "set", self._device, "gso_max_segs", "1", "gso_max_size", str(MTU))
            subprocess.run(["tc", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True)

    def counters(self):
        """As the lab's own switch counts, by address; payload reckoned with full headers on every packet."""
        counted = {}
        for namespace, address in zip(self._namespaces, self._addresses):
            with namespace.entered():
                link = json.loads(_output("ip", "-s", "-j", "link", "show", self._device))[0]["stats64"]
                drops = sum(qdisc.get("drops", 0) for qdisc in json.loads(_output("tc", "-s", "-j", "qdisc", "show", "dev", self._device)))
            counted[address] = {**_direction("sent", link["tx"]), **_direction("received", link["rx"]), "dropped_uplink": drops, "dropped_downlink": 0}
        return counted

    def close(self):
        """Nothing to do: devices end with their namespaces, and those with this process."""


def _queue(rate, line):
    return max(MIN_QUEUE_BYTES, round(rate / 8 * line.queue_seconds))


def _direction(name, counted):
    packets = counted["packets"]
    ip_bytes = counted["bytes"] - ETHERNET_HEADER * packets
    return {f"{name}_packets": packets, f"{name}_bytes": ip_bytes, f"{name}_payload": max(0, ip_bytes - PACKET_HEADERS * packets)}


def _run(*command):
    subprocess.run(command, check=True)


def _output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
