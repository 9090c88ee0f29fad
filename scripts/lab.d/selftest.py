"""Proves the wire by itself: rates, delays, losses and bounds between plain sockets, before anything is measured over it."""

import socket
import statistics
import struct
import sys
import threading
import time

from hosts import Network
from wire import Line

MBIT = 1e6
MILLI = 1e-3
PORT = 5000
RATE_TOLERANCE = 0.05
DELAY_TOLERANCE = 2 * MILLI
LOSS = 0.05
LOSS_PACKETS = 8000
LOSS_TOLERANCE = 5 * (LOSS * (1 - LOSS) / LOSS_PACKETS) ** 0.5  # five standard deviations
WARM_UP_SECONDS = 3
TRANSFER_SECONDS = 4
ACKS_OF_20_MBIT = 0.36  # 52 bytes for every second packet
PROBES = 200
STAMP = struct.Struct("!Id")


def main():
    results = []

    def check(what, measured, expected, allowed, unit):
        good = abs(measured - expected) <= allowed
        results.append(good)
        print(f"{'PASS' if good else 'FAIL'} {what}: {measured:.4g} {unit} (expected: {expected:.4g} ± {allowed:.2g})", flush=True)

    def check_rate(what, sender, receiver, expected):
        check(what, goodput([(sender, receiver)])[0] / MBIT, expected, RATE_TOLERANCE * expected, "Mbit/s")

    slow, fast, far, lossy = Line(6 * MBIT, 20 * MBIT), Line(48 * MBIT, 48 * MBIT), Line(48 * MBIT, 48 * MBIT), Line(48 * MBIT, 48 * MBIT)
    names = ["slow", "fast", "far", "lossy"]
    one_way = [[0, 10, 35, 10], [10, 0, 60, 10], [35, 60, 0, 60], [10, 10, 60, 0]]
    delays = [[delay * MILLI for delay in row] for row in one_way]
    losses = [[LOSS if (sender == 3) != (receiver == 3) else 0 for receiver in range(4)] for sender in range(4)]
    with Network(names, [slow, fast, far, lossy], delays, losses, seed=1) as network:
        print("the wire is netem's" if network.in_kernel else "the wire is the lab's own switch", flush=True)
        hosts = dict(zip(names, network.hosts))
        check_rate("uplink slow → fast", hosts["slow"], hosts["fast"], 6)
        check_rate("downlink fast → slow", hosts["fast"], hosts["slow"], 20)
        check_rate("uplink fast → far, 120 ms", hosts["fast"], hosts["far"], 48)
        both = goodput([(hosts["fast"], hosts["slow"]), (hosts["slow"], hosts["fast"])])
        check("both ways at once, the slow one", both[1] / MBIT, 6 - ACKS_OF_20_MBIT, 2 * RATE_TOLERANCE * 6, "Mbit/s")
        for sender, receiver in (("slow", "fast"), ("fast", "far"), ("far", "slow")):
            expected = delays[names.index(sender)][names.index(receiver)] / MILLI
            measured = statistics.median(probe(hosts[sender], hosts[receiver], PROBES, 5 * MILLI)) / MILLI
            check(f"one-way delay {sender} → {receiver}", measured, expected, DELAY_TOLERANCE / MILLI, "ms")
        arrived = len(probe(hosts["fast"], hosts["lossy"], LOSS_PACKETS, 0.2 * MILLI))
        check("loss fast → lossy", 100 * (1 - arrived / LOSS_PACKETS), 100 * LOSS, 100 * LOSS_TOLERANCE, "%")
        arrived = len(probe(hosts["fast"], hosts["far"], PROBES, 1 * MILLI))
        check("loss fast → far", 100 * (1 - arrived / PROBES), 0, 0, "%")
        check("packets out of the lab", reachable(hosts["fast"], "203.0.113.1"), 0, 0, "connections")
        if not network.in_kernel:
            check("packets unaccounted for", unaccounted(network), 0, 0, "packets")
    sys.exit(0 if all(results) else 1)


def goodput(pairs):
    """Bits of payload a second that each pair moved, all at once, once TCP has found its pace."""
    measured = [0.0] * len(pairs)

    def receive(at, listening):
        connection, _ = listening.accept()
        end = time.monotonic() + WARM_UP_SECONDS + TRANSFER_SECONDS
        begin, counted = None, 0
        while time.monotonic() < end:
            got = len(connection.recv(1 << 16))
            now = time.monotonic()
            if begin is None and now > end - TRANSFER_SECONDS:
                begin = now
            elif begin is not None:
                counted += got
                measured[at] = 8 * counted / (now - begin)
        connection.close()
        listening.close()

    def send(connection):
        try:
            while True:
                connection.sendall(bytes(1 << 14))
        except OSError:
            connection.close()

    threads = []
    for at, (sender, receiver) in enumerate(pairs):
        listening = listen(receiver, socket.SOCK_STREAM)
        listening.listen()
        threads.append(threading.Thread(target=receive, args=(at, listening), name=f"receive-{receiver.name}"))
        threads[-1].start()
        threads.append(threading.Thread(target=send, args=(sender.connect(receiver.ip, PORT),), name=f"send-{sender.name}"))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return measured


def probe(sender, receiver, count, pause):
    """The one-way delays, seconds, of those of `count` datagrams that arrived: both ends read the same clock."""
    arriving = listen(receiver, socket.SOCK_DGRAM)
    arriving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    arriving.settimeout(1)
    delays = []

    def receive():
        try:
            while len(delays) < count:
                _, sent = STAMP.unpack(arriving.recv(STAMP.size))
                delays.append(time.monotonic() - sent)
        except socket.timeout:
            pass

    thread = threading.Thread(target=receive, name=f"receive-{receiver.name}")
    thread.start()
    with sender.socket(kind=socket.SOCK_DGRAM) as sending:
        for number in range(count):
            sending.sendto(STAMP.pack(number, time.monotonic()), (receiver.ip, PORT))
            time.sleep(pause)
    thread.join()
    arriving.close()
    return delays


def listen(host, kind):
    made = host.socket(kind=kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host.ip, PORT))
    return made


def reachable(host, ip):
    with host.socket() as outward:
        outward.settimeout(1)
        try:
            outward.connect((ip, PORT))
            return 1
        except OSError:
            return 0


def unaccounted(network):
    """Packets sent that were neither received, lost nor dropped, once nothing is on its way."""
    time.sleep(1)
    counters = network.counters().values()
    total = {name: sum(counted[name] for counted in counters) for name in ("sent_packets", "received_packets", "lost_packets", "dropped_downlink")}
    return total["sent_packets"] - total["received_packets"] - total["lost_packets"] - total["dropped_downlink"]


if __name__ == "__main__":
    main()
