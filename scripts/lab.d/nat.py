"""A relay behind a home router: miniupnpd in a network namespace, the relay at home behind it, and somebody out in the world.

The relay has to map its port and be reached through it, over TCP and UDP; to take the mapping back when it stops; and without a
router that maps ports, to say so.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from program import JAVA, jar
from wire import die_with_parent

STREAM = "a" * 52
PORT, ADMIN = 7001, 7011
OUTSIDE, WORLD, ROUTER, HOME = "8.8.8.1", "8.8.8.2", "192.168.77.1", "192.168.77.2"
MAPPED_SECONDS = 120
STOP_SECONDS, STOP_MUST = 15, 5
RULES = """
table inet filter {
  chain miniupnpd { }
  chain forward { type filter hook forward priority 0; jump miniupnpd; }
  chain prerouting_miniupnpd { type nat hook prerouting priority -100; }
  chain postrouting_miniupnpd { type nat hook postrouting priority 100; }
  chain closed { type filter hook input priority 0; iifname "wan" ct state new drop; }
}
table ip home {
  chain out { type nat hook postrouting priority 101; oifname "wan" masquerade; }
}
"""
SETTINGS = f"""
ext_ifname=wan
ext_ip={OUTSIDE}
listening_ip=lan
enable_natpmp=yes
enable_upnp=yes
secure_mode=no
uuid=3c9e5c1e-0000-4000-8000-000000000001
allow 1024-65535 192.168.77.0/24 1024-65535
"""
PROBE_UDP = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(bytes.fromhex("00000417271019800000000000000007"), ("{OUTSIDE}", {PORT}))
print(len(s.recv(100)))
"""


class House:
    """A network namespace, alive as long as its first process."""

    def __init__(self, processes):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "3600"], preexec_fn=die_with_parent)
        processes.append(self.holder)
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *command):
        return ["nsenter", "--net", "--target", str(self.holder.pid), *command]

    def run(self, *command, **options):
        return subprocess.run(self.command(*command), check=True, **options)

    def answers(self, *command):
        done = subprocess.run(self.command(*command), capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""


def main():
    argparse.ArgumentParser(prog="scripts/lab nat", description=__doc__).parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lab-nat-"))
    processes, failed = [], []

    def check(what, good, detail=""):
        print(f"{'PASS' if good else 'FAIL'} {what}{f': {detail}' if detail else ''}", flush=True)
        if not good:
            failed.append(what)

    try:
        router, home, world = House(processes), House(processes), House(processes)
        join(router, "lan", ROUTER, home, "eth", HOME)
        join(router, "wan", OUTSIDE, world, "eth", WORLD)
        home.run("ip", "route", "add", "default", "via", ROUTER)
        router.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        router.run("nft", "-f", "-", input=RULES, text=True)
        daemon = start_router(router, folder, processes)
        relay = start_relay(home, folder, processes)
        said = eventually(MAPPED_SECONDS, lambda: note(home, "forwards"))
        check("the relay's port is mapped", said, said)
        check("somebody outside reaches it over TCP", health(world))
        check("somebody outside reaches it over UDP", world.answers(sys.executable, "-c", PROBE_UDP).strip() == "16")
        began = time.monotonic()
        check("the relay stops in time", stop(relay) == 0 and time.monotonic() - began < STOP_MUST, f"{time.monotonic() - began:.1f} s")
        check("and takes the mapping back", str(PORT) not in router.answers("nft", "list", "table", "inet", "filter"))
        daemon.kill()
        daemon.wait()
        start_relay(home, folder, processes)
        said = eventually(MAPPED_SECONDS, lambda: note(home, "no router answers"))
        check("without such a router it says so", said, said)
        check("and names no address at which nobody gets through", not told(home)["endpoints"])
        check("nobody outside reaches it", not health(world))
    finally:
        for process in reversed(processes):
            process.kill()
        if failed:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"{len(failed)} failed{': ' + '; '.join(failed) if failed else ''}")
    sys.exit(1 if failed else 0)


def join(one, name, ip, other, other_name, other_ip):
    one.run("ip", "link", "add", name, "type", "veth", "peer", "name", other_name, "netns", str(other.holder.pid))
    for house, device, address in ((one, name, ip), (other, other_name, other_ip)):
        house.run("ip", "addr", "add", f"{address}/24", "dev", device)
        house.run("ip", "link", "set", device, "up")


def start_router(router, folder, processes):
    (folder / "miniupnpd.conf").write_text(SETTINGS)
    with open(folder / "miniupnpd.log", "wb") as log:
        command = router.command("miniupnpd", "-d", "-f", str(folder / "miniupnpd.conf"), "-P", str(folder / "miniupnpd.pid"))
        processes.append(subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent))
    return processes[-1]


def start_relay(home, folder, processes):
    with open(folder / "relay.log", "ab") as log:
        command = home.command(JAVA, "-jar", str(jar("relay")), "--stream", STREAM, "--no-dht", "--port", str(PORT),
                               "--admin", f"127.0.0.1:{ADMIN}", "--data", str(folder / "state"))
        processes.append(subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent))
    return processes[-1]


def stop(relay):
    relay.send_signal(signal.SIGTERM)
    try:
        return relay.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def fetched(house, address):
    return house.answers("curl", "-s", "-m", "5", f"http://{address}")


def note(home, words):
    status = fetched(home, f"127.0.0.1:{ADMIN}/status")
    said = json.loads(status)["notes"].get("port-mapping", "") if status else ""
    return said if words in said else ""


def told(home):
    """The relay's own card."""
    return json.loads(fetched(home, f"127.0.0.1:{PORT}/relay.json"))


def health(world):
    return fetched(world, f"{OUTSIDE}:{PORT}/health") != ""


def eventually(seconds, ask):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(1)
    return ""


if __name__ == "__main__":
    main()
