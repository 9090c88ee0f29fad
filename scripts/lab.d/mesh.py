"""An origin and relays as hosts of their own: what the origin's line carries, how soon every relay has a chunk, what is lost."""

import argparse
import itertools
import json
import math
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from feed import Feed, encoded
from hosts import Network
from program import ROOT, Gone, NotReady, Program, stop_all, write_statuses
from wire import LINE_PER_PAYLOAD, Line

MBIT = 1e6
MILLI = 1e-3
PIECE_BITS = 64 * 1024 * 8
PORT, DHT_PORT, ADMIN_PORT = 7003, 7005, 7013
LINK_SECONDS = 120
ENOUGH_LINKS = 8  # as many as a node dials for
POLL_SECONDS = 1.0
QUIET_SECONDS = 0.4
QUIET_SHARE = 0.15  # of the bitrate: links and the DHT talk a little all the time
GRACE_SECONDS = 16  # for what was published last to arrive late, rather than never
# When programs are asked while chunks are watched, in a segment's durations since it was written: not while it is published, nor as it becomes
# whole at its relays. What eleven answers take of two processors would be seen in its time.
LOOKS = (0.2, 0.4, 0.75, 0.9)
STATUS_LOOKS = 10  # one status for so many scrapes; it lists the newest 30 chunks
WATCH_SPARE = 1.25  # chunks whose time cannot be told apart are not counted, and others watched instead
KILL_AFTER = 0.25  # of a chunk's duration after it was written: while it spreads
# The second compiler too: without it the JDK hashes 15 times as slowly, which is seen in every chunk's time.
JVM = ["-XX:+UseSerialGC", "-Xmx256m", "-XX:ActiveProcessorCount=2"]


def main():
    options = parsed()
    seeds = range(options.seed, options.seed + options.seeds)
    tables = []
    for options.seed in seeds:
        good, table = one_run(options)
        tables.append(table)
        if not good:
            sys.exit(1)
    if len(tables) > 1:
        show_together(options, seeds, tables)


def one_run(options):
    """Whether nothing failed that must hold, and the table."""
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    feed, programs, keep, table = None, [], True, None
    try:
        place = Place.chosen(options)
        source = segments(options)
        with Network(place.names, place.lines, place.delays, place.losses, options.seed, options.congestion, closed=place.closed, capture=options.capture) as network:
            try:
                feed = Feed(source, folder / "hls")
                joining = Joining(place)
                origin, relays = started(options, place, network, folder, programs, joining)
                mesh = Mesh(options, place, network, feed, origin, relays, joining)
                table = mesh.run()
                good = table is not None and table.good()
                if not good:
                    write_statuses(programs, folder)
            finally:
                if feed:
                    feed.stop()
                stop_all(programs)
        keep = not good
    except (NotReady, Gone) as failure:
        print(failure, file=sys.stderr)
        good = False
    finally:
        if keep or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return good, table


def show_together(options, seeds, tables):
    """The spread of each figure over all seeds; of what is compared, how far the means are apart."""
    for at, (name, text, _, unit, allowed) in enumerate(tables[0].rows):
        values = [table.rows[at][2] for table in tables]
        mean = statistics.mean(values)
        if options.json:
            print(json.dumps({"name": f"{name}.mean", "value": mean, "unit": unit, "allowed": allowed, "least": min(values), "most": max(values), "rounds": len(values)}), flush=True)
        else:
            if at == 0:
                print(f"\nseeds {seeds.start} to {seeds.stop - 1}: mean, least, most")
            print(f"  {text:<52}{mean:>10.4g}{min(values):>10.4g}{max(values):>10.4g} {unit}")


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/lab", description=__doc__)
    parser.add_argument("name", choices=["mesh", "churn"])
    parser.add_argument("--relays", type=int, default=10)
    parser.add_argument("--chunks", type=int, default=40, help="counted, after the warm-up: of fewer a 95 %% point is the worst or the second worst (40)")
    parser.add_argument("--stagger", type=float, default=0.0, help="seconds from one relay's start to the next: eleven programs that start at once wait for one another's compilers (0)")
    parser.add_argument("--warm-up", type=int, default=30, help="seconds after all are linked (30)")
    parser.add_argument("--seed", type=int, default=1, help="of lines, delays and losses (1)")
    parser.add_argument("--seeds", type=int, default=1, help="so many runs, with this seed and those that follow; then what they have in common (1)")
    parser.add_argument("--bitrate", type=float, default=3.0, help="of the feed, Mbit/s (3)")
    parser.add_argument("--segment", type=int, default=4, help="seconds (4)")
    parser.add_argument("--uplink", type=float, default=2.0, help="the origin's, as a multiple of the bitrate (2)")
    parser.add_argument("--loss", type=float, default=0.0, help="share of packets lost on each pair (0)")
    parser.add_argument("--queue", type=float, default=0.25, help="longest wait for a line before packets drop, seconds (0.25)")
    parser.add_argument("--without-inbound", type=float, default=0.4, help="share of the relays that accept no connection (0.4)")
    parser.add_argument("--compare", action="store_true", help="print the simulator's figures for the same lines, delays and hosts beside the lab's")
    parser.add_argument("--congestion", default="cubic", help="TCP's congestion control (cubic)")
    parser.add_argument("--no-max-upload", action="store_true", help="do not tell the programs what their lines carry")
    parser.add_argument("--nice", type=int, default=0, help="the programs' priority, below 0 to be ahead of all else on this machine (0)")
    parser.add_argument("--capture", metavar="FOLDER", help="write all that hosts send, and all that reaches them, there: two pcaps")
    parser.add_argument("--each", action="store_true", help="tell each chunk's time, and what lines dropped meanwhile, as they come")
    parser.add_argument("--json", action="store_true", help="one object a line instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()
    if options.chunks < 1:
        parser.error(f"--chunks: {options.chunks} (expected: > 0)")
    if options.compare and options.name != "mesh":
        parser.error(f"--compare: with {options.name} (expected: with mesh)")
    if options.capture:
        if len(options.capture.split()) != 1:
            parser.error(f"--capture: {options.capture} (expected: a path without blanks)")
        Path(options.capture).mkdir(parents=True, exist_ok=True)
    return options


def watched_at_most(options):
    """Seconds for which chunks are watched."""
    return WATCH_SPARE * options.chunks * options.segment + GRACE_SECONDS


def segments(options):
    """Real segments at the wanted rate; the bundled ones, as they are, where ffmpeg is missing."""
    if shutil.which("ffmpeg") is None:
        print("no ffmpeg: the feed is the bundled sample, at its own rate", file=sys.stderr)
        return ROOT / "scripts" / "sample"
    seconds = options.relays * options.stagger + LINK_SECONDS + options.warm_up + watched_at_most(options)
    return encoded(ROOT / "target" / "lab", round(options.bitrate * MBIT), options.segment, math.ceil(seconds / options.segment))


@dataclass(frozen=True)
class Place:
    """Who is there and how far from one another; the origin first."""

    names: list
    lines: list
    delays: list
    losses: list
    closed: list  # hosts, by number, that accept no connection

    @classmethod
    def chosen(cls, options):
        chance = random.Random(options.seed)
        count = options.relays + 1
        names = ["origin", *(f"relay{number}" for number in range(1, count))]
        # As the simulator has them: uplinks from 2 to 16 times the bitrate, wider downwards.
        bitrate = options.bitrate * MBIT
        rates = [bitrate * options.uplink, *(bitrate * chance.uniform(2, 16) for _ in range(options.relays))]
        lines = [Line(rate, max(10 * bitrate, 2 * rate), options.queue) for rate in rates]
        delays = [[0.0] * count for _ in range(count)]
        for one in range(count):
            for other in range(one):
                delays[one][other] = delays[other][one] = chance.uniform(10, 20) * MILLI
        losses = [[options.loss] * count for _ in range(count)]
        closed = sorted(chance.sample(range(1, count), round(options.without_inbound * options.relays)))
        return cls(names, lines, delays, losses, closed)

    def written(self, options, file):
        """As the simulator reads it."""
        hosts = [{"up": round(line.up), "down": round(line.down), "inbound": at not in self.closed} for at, line in enumerate(self.lines)]
        file.write_text(json.dumps({"bitrate": round(options.bitrate * MBIT), "segment": options.segment, "loss": options.loss, "hosts": hosts, "delays": self.delays}))
        return file

    def links_to_be_had(self, name):
        """How many links a host ends up with that dials until it has enough: two that accept no connection cannot link."""
        at = self.names.index(name)
        others = len(self.lines) - 1
        return min(ENOUGH_LINKS, others - (len(self.closed) - 1) if at in self.closed else others)

    def median_relay_uplink(self):
        return statistics.median(line.up for line in self.lines[1:])

    def median_rtt(self):
        return statistics.median(2 * delay for at, row in enumerate(self.delays) for delay in row[:at])

    def allowed_beyond_ideal(self):
        """What a chunk may take beyond S/U, seconds, as issue 3 has it for so many relays."""
        if len(self.lines) > 11:
            return 0.4
        return 3 * self.median_rtt() + 4 * PIECE_BITS / self.median_relay_uplink() + 100 * MILLI


class Joining:
    """How long after READY each relay had its first link, its first chunk, and as many links as it wants."""

    STEPS = {"linked": "READY → first link", "fed": "READY → first chunk", "full": f"READY → {ENOUGH_LINKS} links, or all that can be had"}

    def __init__(self, place):
        self._place = place
        self._since_ready = {step: {} for step in self.STEPS}

    def look(self, relays):
        """(links, chunks) of each that is READY, now."""
        with ThreadPoolExecutor(len(relays)) as asking:  # A first answer takes seconds where eleven programs start: no other waits for it.
            return list(asking.map(self._look_at, [relay for relay in relays if relay.ready]))

    def _look_at(self, relay):
        scrape = relay.metrics()
        links, chunks = scrape.sum("tributary_links"), verified(scrape)
        for step, reached in (("linked", links >= 1), ("fed", chunks >= 1), ("full", links >= self._place.links_to_be_had(relay.name))):
            if reached:
                self._since_ready[step].setdefault(relay.name, time.monotonic() - relay.ready_at)
        return links, chunks

    def over(self, relays):
        return len(self._since_ready["full"]) == len(relays)

    def rows(self, relays, name):
        """Infinite where a relay never came so far."""
        rows = []
        for step, text in self.STEPS.items():
            times = sorted(self._since_ready[step].get(relay.name, math.inf) for relay in relays)
            rows.append((f"{name}.{step}", f"{text}, median", percentile(times, 50), "s", None))
            rows.append((f"{name}.{step}.most", "    most", times[-1], "s", None))
        return rows


def started(options, place, network, folder, programs, joining):
    """The origin and the relays, READY; the origin's DHT node is all that the relays are told besides the key."""

    def launch(at, module, *arguments):
        host = network.hosts[at]
        common = ["--bind", host.ip, "--port", str(PORT), "--dht-port", str(DHT_PORT), "--admin", f"127.0.0.1:{ADMIN_PORT}", "--dht-private"]
        if not options.no_max_upload:
            common += ["--max-upload", f"{round(place.lines[at].up * LINE_PER_PAYLOAD / 1000)}kbit"]
        bootstrap = ["--dht-bootstrap", f"{network.hosts[0].ip}:{DHT_PORT}"]
        programs.append(Program(place.names[at], module, [*arguments, *common, *bootstrap], folder, host, JVM, options.nice))
        return programs[-1]

    origin = launch(0, "origin", "--hls", str(folder / "hls"), "--name", "Lab").await_ready()
    with ThreadPoolExecutor(len(place.names)) as waiting:  # Each is READY when it says so, not when those before it were.
        relays, ready = [], []
        for at in range(1, len(place.names)):
            relays.append(launch(at, "relay", "--stream", origin.ready["id"], "--no-port-mapping"))
            ready.append(waiting.submit(relays[-1].await_ready))
            next_at = time.monotonic() + options.stagger
            while time.monotonic() < next_at:
                joining.look(relays)
                time.sleep(min(POLL_SECONDS, max(0.0, next_at - time.monotonic())))
        while not all(relay.done() for relay in ready):
            joining.look(relays)
            time.sleep(POLL_SECONDS)
        return origin, [relay.result() for relay in ready]


class Mesh:
    """One run over programs that are READY."""

    def __init__(self, options, place, network, feed, origin, relays, joining):
        self.options = options
        self.place = place
        self.network = network
        self.feed = feed
        self.origin = origin
        self.relays = relays
        self.joining = joining
        self.published = {}  # seq → bytes
        self.segment_of = {}  # seq → a segment's number
        self.written_to_published = {}  # a segment's number → seconds
        self.held = {relay.name: set() for relay in relays}  # seqs
        self.dropped = {}  # packets, by host

    def run(self):
        """Prints the table, and returns it; None where the mesh did not come to be."""
        waited = self._await_links()
        if waited is None:
            return None
        say(f"all relays linked and fed after {waited:.1f} s; warming up for {self.options.warm_up} s")
        self._warm_up()
        self._await_quiet()
        before = Counted.now(self, self.relays)
        staying = self._kill_a_third() if self.options.name == "churn" else self.relays
        latencies = self._watch(staying)
        self._await_quiet()
        after = Counted.now(self, staying)
        self._await_held(staying, range(before.newest + 1, after.newest + 1))
        table = Table(self, before, after, staying, latencies)
        if self.options.compare:
            table.compare(simulated(self.options, self.place.written(self.options, self.feed.folder.parent / "place.json")))
        table.show(self.options.json)
        return table

    def _await_links(self):
        began = time.monotonic()
        while time.monotonic() - began < LINK_SECONDS:
            counts = self.joining.look(self.relays)
            if all(links >= 1 and chunks >= 1 for links, chunks in counts):
                self._note_held(self.relays)  # The first status that a program makes takes half a second of CPU: not while it is measured.
                return time.monotonic() - began
            time.sleep(POLL_SECONDS)
        say(f"FAIL not all relays linked and fed within {LINK_SECONDS} s; (links, chunks) of each: {counts}")
        return None

    def _warm_up(self):
        end = time.monotonic() + self.options.warm_up
        while time.monotonic() < end:
            if not self.joining.over(self.relays):
                self.joining.look(self.relays)
            time.sleep(POLL_SECONDS)

    def _await_quiet(self):
        """Waits for the pause after a chunk, so that what is counted are whole chunks."""
        end = time.monotonic() + 3 * self.options.segment
        busy = False
        sent = self._origin_sent()
        while time.monotonic() < end:
            time.sleep(QUIET_SECONDS)
            now_sent = self._origin_sent()
            quiet = 8 * (now_sent - sent) / QUIET_SECONDS < QUIET_SHARE * self.options.bitrate * MBIT
            if busy and quiet:
                return
            busy = busy or not quiet
            sent = now_sent
        say("the origin's line never paused between two chunks")

    def _origin_sent(self):
        return self.network.counters()["origin"]["sent_payload"]

    def _kill_a_third(self):
        written = len(self.feed.segments)
        while len(self.feed.segments) == written:
            time.sleep(10 * MILLI)
        time.sleep(KILL_AFTER * self.options.segment)
        doomed = random.Random(self.options.seed).sample(self.relays, round(len(self.relays) / 3))
        for relay in doomed:
            relay.kill()
        say(f"killed {', '.join(relay.name for relay in doomed)}, {KILL_AFTER * self.options.segment:g} s after a chunk was written")
        return [relay for relay in self.relays if relay not in doomed]

    def _watch(self, relays):
        """Latencies: {a segment's number: {relay: seconds}}, of chunks that became whole while watched, until there are enough."""
        seen = {relay.name: latency(relay.metrics()) for relay in relays}
        latencies = {}
        end = time.monotonic() + watched_at_most(self.options)
        looked = time.time()
        for look in itertools.count():
            whole = sum(len(by) == len(relays) for by in latencies.values())
            if whole >= self.options.chunks or time.monotonic() >= end:
                return latencies
            self._await_look()
            before, looked = looked, time.time()
            if look % len(LOOKS) == 0:
                self._note_published()
            if look % STATUS_LOOKS == 0:
                self._note_held(relays)
            for relay in relays:
                count, total = latency(relay.metrics())
                fresh = count - seen[relay.name][0]
                if fresh > 0:
                    seconds = (total - seen[relay.name][1]) / fresh
                    published = (before + looked) / 2 - seconds
                    at = self._segment_at(published)
                    latencies.setdefault(at, {})[relay.name] = seconds
                    if self.options.each and len(latencies[at]) == len(relays):
                        times = sorted(latencies[at].values())
                        ideal = 8 * self.feed.segments[at].length / self.place.lines[0].up
                        say(f"segment {at}: S/U {ideal:.3f} s, verified {times[0]:.2f} s to {times[-1]:.2f} s after it was published, median {percentile(times, 50):.2f} s")
                seen[relay.name] = (count, total)
            if self.options.each:
                self._tell_dropped()

    def _await_look(self):
        """Sleeps until programs may be asked next."""
        since = (time.time() - self.feed.segments[-1].written) / self.options.segment
        phase = next((phase for phase in LOOKS if phase > since), 1 + LOOKS[0])
        time.sleep(max(0.0, phase - since) * self.options.segment)

    def _tell_dropped(self):
        now_dropped = {host: dropped(counters) for host, counters in self.network.counters().items()}
        for host, count in now_dropped.items():
            fresh = count - self.dropped.get(host, count)
            if fresh:
                say(f"    {fresh} packets dropped on the line of {host}")
        self.dropped = now_dropped

    def _note_held(self, relays):
        for relay in relays:
            chunks = [chunk for stream in relay.status()["streams"] for rendition in stream["renditions"] for chunk in rendition["chunks"]]
            self.held[relay.name].update(chunk["seq"] for chunk in chunks if chunk["held"])

    def _await_held(self, relays, seqs):
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end:
            self._note_held(relays)
            if all(self.held[relay.name].issuperset(seqs) for relay in relays):
                return
            time.sleep(POLL_SECONDS)

    def _segment_at(self, published):
        """The number of the segment written nearest to this moment."""
        listed = self.feed.segments
        return min(range(len(listed)), key=lambda at: abs(listed[at].written - published))

    def _note_published(self):
        status = self.origin.status()
        for rendition in status["streams"][0]["renditions"]:
            for chunk in rendition["chunks"]:
                if chunk["seq"] not in self.published:
                    published = chunk["publishedMillis"] * MILLI
                    at = self._segment_at(published)
                    self.written_to_published[at] = published - self.feed.segments[at].written
                    self.segment_of[chunk["seq"]] = at
                    self.published[chunk["seq"]] = chunk["bytes"]


@dataclass(frozen=True)
class Counted:
    """What programs and wire had counted at one moment."""

    at: float
    newest: int
    origin: object
    relays: dict
    wire: dict
    cpu: dict
    idle: tuple

    @classmethod
    def now(cls, mesh, relays):
        mesh._note_published()
        programs = [mesh.origin, *relays]
        return cls(
            at=time.monotonic(),
            newest=max(mesh.published),
            origin=mesh.origin.metrics(),
            relays={relay.name: relay.metrics() for relay in relays},
            wire=mesh.network.counters(),
            cpu={program.name: program.cpu_seconds() for program in programs},
            idle=machine_idle(),
        )


class Table:
    """The figures of a run, beside what issue 3 asks."""

    def __init__(self, mesh, before, after, staying, latencies):
        options, place = mesh.options, mesh.place
        seqs = range(before.newest + 1, after.newest + 1)
        self.chunks = len(seqs)
        useful = sum(mesh.published.get(seq, 0) for seq in seqs)
        mean_chunk = useful / max(1, self.chunks)
        ideal = 8 * mean_chunk / place.lines[0].up
        whole = {at: by for at, by in latencies.items() if len(by) == len(staying)}
        # Beyond each chunk's own S/U: an encoder's chunks differ by some percent, and 2 % of two seconds would be seen as 40 ms.
        beyond = {at: [seconds - 8 * mesh.feed.segments[at].length / place.lines[0].up for seconds in by.values()] for at, by in whole.items()}
        last = sorted(map(max, beyond.values()))
        each = sorted(itertools.chain.from_iterable(beyond.values()))
        seconds = after.at - before.at
        wire_sent = after.wire["origin"]["sent_payload"] - before.wire["origin"]["sent_payload"]
        counted_sent = moved(before.origin, after.origin, "tributary_sent_bytes_total")
        received = {name: moved(before.relays[name], after.relays[name], "tributary_received_bytes_total", via="wire") for name in after.relays}
        told_missed = sum(moved(before.relays[name], after.relays[name], "tributary_chunks_total", result="missed") for name in after.relays)
        rejected = sum(moved(before.relays[name], after.relays[name], "tributary_chunks_total", result="rejected") for name in after.relays)
        missed = {relay.name: sorted(set(seqs) - mesh.held[relay.name]) for relay in staying}
        self.missing = {name: lacking for name, lacking in missed.items() if lacking}
        self.missed = sum(map(len, missed.values()))
        self.whole = len(whole)
        name = f"{options.name}.{options.relays}"
        idle = (after.idle[0] - before.idle[0]) / max(1e-9, after.idle[1] - before.idle[1])
        bound = None if options.name == "churn" else place.allowed_beyond_ideal()
        # A record says when it was published, not when its segment was written; how long that took is known of the origin.
        until_published = mesh.written_to_published
        its_own = sorted(until_published[mesh.segment_of[seq]] for seq in seqs if seq in mesh.segment_of)
        written = sorted(until_published.get(at, percentile(its_own, 50)) + seconds for at, its in beyond.items() for seconds in its)
        # U is counted above TCP, as the issue has it. What a chunk takes on the line with its headers is less, since the line is faster by them.
        with_headers = ideal / LINE_PER_PAYLOAD
        self.heading = (
            f"lab {options.name}: origin and {options.relays} relays, seed {options.seed}; {8 * mean_chunk / options.segment / MBIT:.2f} Mbit/s, "
            f"{options.segment} s chunks of {mean_chunk / 1e6:.2f} MB; uplinks: origin {place.lines[0].up / MBIT:g}, relays "
            f"{min(line.up for line in place.lines[1:]) / MBIT:.1f} to {max(line.up for line in place.lines[1:]) / MBIT:.1f} Mbit/s; "
            f"median RTT {place.median_rtt() / MILLI:.0f} ms, loss {options.loss:.1%} ({'netem' if mesh.network.in_kernel else 'own switch'}); {self.chunks} chunks in {seconds:.0f} s"
        )
        self.rows = [
            (f"{name}.uplink", "origin sends / bitrate, on the wire above TCP", wire_sent / max(1, useful), "", 1.15),
            (f"{name}.uplink-counted", "the same, by its /metrics", counted_sent / max(1, useful), "", 1.15),
            (f"{name}.ideal", "S/U, U above TCP as the issue counts it", ideal, "s", None),
            (f"{name}.p95-over-ideal", "written → verified − S/U: a chunk at a relay, 95 %", percentile(written, 95), "s", bound),
            (f"{name}.ideal-line", "S/U, U with TCP's and IP's headers", with_headers, "s", None),
            (f"{name}.p95-over-ideal-line", "written → verified − that, 95 %: more than is asked", percentile(written, 95) + ideal - with_headers, "s", bound),
            (f"{name}.published-after", "written → published by the origin, median", percentile(its_own, 50), "s", None),
            (f"{name}.published-after.p95", "    95 %", percentile(its_own, 95), "s", None),
            (f"{name}.published-after.most", "    most", percentile(its_own, 100), "s", None),
            (f"{name}.published.p50-over-ideal", "published → verified − S/U: a chunk at a relay, median", percentile(each, 50), "s", None),
            (f"{name}.published.p95-over-ideal", "    95 %", percentile(each, 95), "s", None),
            (f"{name}.published.last-p50-over-ideal", "    a chunk at the last of all relays, median", percentile(last, 50), "s", None),
            (f"{name}.published.last-p95-over-ideal", "    95 %", percentile(last, 95), "s", bound),
            (f"{name}.duplicates", "received beyond useful / useful", sum(received.values()) / max(1, useful * len(received)) - 1, "", 0.02),
            (f"{name}.missed", "chunks that a relay never held, by their /status", self.missed, "", 0),
            (f"{name}.missed-counted", "chunks missed, by their /metrics", told_missed, "", None),
            (f"{name}.rejected", "chunks rejected", rejected, "", 0),
            (f"{name}.dropped", "packets dropped by full lines", sum(dropped(after.wire[host]) - dropped(before.wire[host]) for host in after.wire), "", None),
            *mesh.joining.rows(mesh.relays, name),
            (f"{name}.cpu-origin", "CPU of the origin", (after.cpu["origin"] - before.cpu["origin"]) / seconds, "cores", None),
            (f"{name}.cpu-relay", "CPU of a relay, mean", statistics.mean((after.cpu[relay.name] - before.cpu[relay.name]) / seconds for relay in staying), "cores", None),
            (f"{name}.resident", "resident memory of a relay, largest", max(relay.resident_bytes() for relay in staying) / 1e6, "MB", None),
            (f"{name}.machine-idle", "share of this machine's CPU that idled", idle, "", None),
        ]

    def compare(self, simulated):
        """Puts what the simulator says beside the lab's own figures, and how far apart the whole times are."""
        lab = {name: value for name, _, value, _, _ in self.rows}
        prefix = f"mesh.{simulated['relays']}"
        ideal = lab[f"{prefix}.ideal"]
        for measure in ("uplink", "p95-over-ideal", "duplicates"):
            name = f"{prefix}.{measure}"
            self.rows.append((f"{name}.simulated", f"simulated: {measure}", simulated[name], "", None))
        apart = (ideal + lab[f"{prefix}.published.p95-over-ideal"]) / (ideal + simulated[f"{prefix}.p95-over-ideal"]) - 1
        self.rows.append((f"{prefix}.apart", "published → verified, 95 %: lab / simulated - 1", apart, "", 0.15))

    def show(self, as_json):
        if as_json:
            for name, _, value, unit, allowed in self.rows:
                print(json.dumps({"name": name, "value": value if math.isfinite(value) else None, "unit": unit, "allowed": allowed}), flush=True)
            return
        print(f"\n{self.heading}")
        for _, text, value, unit, allowed in self.rows:
            verdict = "" if allowed is None else f"{'ok  ' if value <= allowed else 'MISS'} must be ≤ {allowed:.4g}"
            print(f"  {text:<52}{value:>10.4g} {unit:<6}{verdict}")
        for relay, seqs in self.missing.items():
            print(f"  {relay} never held {seqs}")
        print(f"  ({self.whole} chunks with a latency from every relay)", flush=True)

    def good(self):
        return self.chunks > 0 and self.whole > 0 and self.missed == 0


def simulated(options, place):
    """The figures of one simulated run on the same place, by name."""
    command = [str(ROOT / "scripts" / "bench"), "mesh", "--json", "--seed", str(options.seed), "--place", str(place)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {"relays": options.relays, **{figure["name"]: figure["value"] for figure in map(json.loads, lines)}}


def verified(scrape):
    return scrape.sum("tributary_chunks_total", result="verified")


def latency(scrape):
    return scrape.sum("tributary_chunk_latency_seconds_count"), scrape.sum("tributary_chunk_latency_seconds_sum")


def moved(before, after, name, **labels):
    return after.sum(name, **labels) - before.sum(name, **labels)


def dropped(counters):
    return counters["dropped_uplink"] + counters["dropped_downlink"]


def percentile(ordered, percent):
    """The smallest value that this share of them does not exceed."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def machine_idle():
    """(idle, all) ticks of this machine so far: a mesh on a busy machine is slow for another reason."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
