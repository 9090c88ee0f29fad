"""An hour of Owncast's folder with every accident at a random moment, written by real ffmpeg over RTMP, and two origins on it: one that is
killed again and again, one that runs through. A relay must have had every finished segment of both once, in order, byte for byte, and
the bucket must hold the history and nothing else."""

import argparse
import collections
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import s3
from program import Gone, NotReady, Program, stop_all, write_statuses
from replica import VARIANTS, Encoder, Replica

LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
HEAP = ["-Xmx192m"]  # as the systemd units have it
SEGMENT_SECONDS = 2
LISTED_SECONDS = 30
HISTORY_MINUTES = 20  # from here on relays write to the bucket in the origin's stead
RETENTION_SLACK = 45
POLL_SECONDS = 0.3
REPLAY_SECONDS = 20
SETTLE_SECONDS = 60
GRACE_SECONDS = 3
FLAT = 1.10
MARKS = tuple(twelfth / 12 for twelfth in (1, 6, 7, 8, 9, 10, 11, 12))
HALF, END = 1 / 2, 1
OFFLINE_WIPE_SECONDS = 40  # 300 in Owncast; an hour should see some


class Owncast:
    """The replica with accidents, in a thread, until so much feed time has passed."""

    def __init__(self, folder, seconds, speed, dice):
        listed = int(LISTED_SECONDS / SEGMENT_SECONDS * speed)  # An origin starts no faster for a fast feed.
        self.replica = Replica(folder / "hls", dice, SEGMENT_SECONDS, listed, OFFLINE_WIPE_SECONDS / speed)
        self.done = threading.Event()
        self.began = time.monotonic()
        self.accidents = {}
        self.failure = None
        self._seconds, self._speed, self._dice = seconds, speed, dice

    def start(self):
        self.began = time.monotonic()
        threading.Thread(target=self._run, name="accidents", daemon=True).start()

    @property
    def fed(self):
        return (time.monotonic() - self.began) * self._speed

    def _wait(self, low, high):
        time.sleep(self._dice.uniform(low, high) / self._speed)

    def _run(self):
        try:
            while self.fed < self._seconds:
                self._one_run()
        except Exception as failure:  # The thread's end must be told, whatever it was.
            self.failure = failure
        self.done.set()

    def _one_run(self):
        replica, dice = self.replica, self._dice
        encoder = Encoder(replica.rtmp, self._speed)
        end = time.monotonic() + 20
        while not replica.online and time.monotonic() < end:
            if not encoder.running():  # The transcoder did not listen yet.
                time.sleep(0.3)
                encoder = Encoder(replica.rtmp, self._speed)
            time.sleep(0.05)
        self._wait(5, 60)
        while dice.random() < 0.4 and encoder.running():
            self._meanwhile(encoder)
            self._wait(4, 40)
        replica.kind = dice.choice(["ts", "m4s"])
        self._end(encoder)

    def _meanwhile(self, encoder):
        accident = self._dice.choice(["the folder is renamed", "the encoder hangs"])
        self._count(accident)
        if accident == "the folder is renamed":
            self.replica.move_away(self._dice.uniform(0.3, 3))
        else:
            encoder.signal(signal.SIGSTOP)
            self._wait(3, 20)
            encoder.signal(signal.SIGCONT)

    def _end(self, encoder):
        accident = self._dice.choice(
            ["the encoder ends", "the encoder is killed", "the transcoder is killed", "the transcoder is killed", "Owncast restarts", "offline for long"]
        )
        self._count(accident)
        if accident == "the encoder is killed":
            encoder.kill()
        elif accident == "the transcoder is killed":
            self.replica.crash()
        elif accident == "Owncast restarts":
            self._wait(4, 5)  # What was just finished is taken; what a wipe takes away while it is written is nobody's.
            encoder.kill()
            self._wait(4, 5)
            self.replica.restart()
        else:
            encoder.stop()
        if encoder.running():
            encoder.kill()
        self._wait(*(OFFLINE_WIPE_SECONDS + 2, OFFLINE_WIPE_SECONDS + 20) if accident == "offline for long" else (0.5, 12))

    def _count(self, accident):
        self.accidents[accident] = self.accidents.get(accident, 0) + 1


class Seen:
    """What a relay listed of some streams, chunk by chunk, fetched as soon as it is."""

    def __init__(self, relay, keys):
        self._relay = relay
        self.keys = keys
        self.digests = {(key, variant): {} for key in keys for variant in range(len(VARIANTS))}  # seq → (SHA-1, time.time())
        self.bytes = dict.fromkeys(keys, 0)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="seen", daemon=True)
        self._thread.start()

    def _watch(self):
        replay_at = time.monotonic() + REPLAY_SECONDS
        while not self._stopped.wait(POLL_SECONDS):
            self.look("live.m3u8")
            if time.monotonic() > replay_at:
                replay_at = time.monotonic() + REPLAY_SECONDS
                self.look("replay.m3u8")
                self.fill()

    def look(self, playlist):
        for (key, variant), digests in self.digests.items():
            base = f"/live/{key}/{variant}/"
            try:
                text = self._relay.get(base + playlist, "http").decode()
                for name in re.findall(r"(?<!#EXT-X-GAP\n)^(?:\S*/)?(\d+\.(?:ts|mp4))$", text, re.MULTILINE):
                    self._fetch(key, variant, name)
            except OSError:
                continue  # Not yet, or gone meanwhile; the next look tells.

    def _fetch(self, key, variant, name):
        seq = int(name.split(".")[0])
        if seq not in self.digests[key, variant]:
            body = self._relay.get(f"/live/{key}/{variant}/{name}", "http")
            self.digests[key, variant][seq] = hashlib.sha1(body).hexdigest(), time.time()
            self.bytes[key] += len(body)

    def fill(self):
        """Asks for the numbers that no list showed while somebody looked: a fast feed's lists pass in seconds."""
        for (key, variant), digests in self.digests.items():
            for seq in set(range(min(digests), max(digests) + 1)) - digests.keys() if digests else ():
                for ending in ("ts", "mp4"):
                    try:
                        self._fetch(key, variant, f"{seq}.{ending}")
                    except OSError:
                        continue  # The other ending, or not here.

    def stop(self):
        self._stopped.set()
        self._thread.join()


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab feed", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of feed time (10)")
    parser.add_argument("--speed", type=float, default=1, help="times life (1)")
    parser.add_argument("--history", type=int, default=HISTORY_MINUTES, help=f"minutes of life that are kept ({HISTORY_MINUTES}); memory is judged where half of the run is longer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    options = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID=s3.ID, AWS_SECRET_ACCESS_KEY=s3.SECRET)
    folder = Path(tempfile.mkdtemp(prefix="lab-feed-"))
    programs = []
    good = False
    try:
        good = Soak(options, folder, programs).run()
    except (NotReady, Gone) as failure:
        print(f"FAIL {failure}", flush=True)
    finally:
        if not good:
            write_statuses(programs, folder)
        stop_all(programs)
    if good and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"logs: {folder}", file=sys.stderr)
    sys.exit(0 if good else 1)


class Soak:
    def __init__(self, options, folder, programs):
        self.options, self.folder, self.programs = options, folder, programs
        self.dice = random.Random(options.seed)
        self.down = []  # (from, to) of the origin that is killed, time.monotonic()
        self.kills = self.stops = 0
        self.rows = []
        self.memory = {}

    def origin(self, name, port="0"):
        arguments = ["--hls", str(self.folder / "hls"), "--name", name, "--history", f"{self.options.history}m", *LOOPBACK]
        arguments += ["--s3-endpoint", self.store.url, "--s3-bucket", "lab", "--s3-prefix", name]
        arguments[arguments.index("--port") + 1] = port
        self.programs.append(Program(name, "origin", arguments, self.folder, java=HEAP))
        return self.programs[-1]

    def run(self):
        self.store = s3.S3()
        self.owncast = Owncast(self.folder, self.options.minutes * 60, self.options.speed, self.dice)
        self.steady, self.killed = self.origin("steady"), self.origin("killed")
        self.steady.await_ready(), self.killed.await_ready()
        keys = [self.steady.ready["id"], self.killed.ready["id"]]
        arguments = ["--no-port-mapping", "--history", f"{self.options.history}m", *LOOPBACK]
        for origin in (self.steady, self.killed):
            arguments += ["--stream", origin.ready["id"], "--peer", origin.ready["tcp"]]
        self.relay = Program("relay", "relay", arguments, self.folder, java=HEAP)
        self.programs.append(self.relay)
        self.relay.await_ready()
        self.seen = Seen(self.relay, keys)
        self.down.append((0, time.monotonic() + GRACE_SECONDS))
        self.owncast.start()
        self._kill_and_measure()
        self._settle()
        good = self._tell()
        self.store.stop()
        self.owncast.replica.stop()
        return good

    def _kill_and_measure(self):
        marks = [(share, self.options.minutes * 60 * share / self.options.speed) for share in MARKS]
        calm = time.monotonic() + self.dice.uniform(10, 25)
        while not self.owncast.done.wait(0.5):
            if marks and time.monotonic() - self.owncast.began >= marks[0][1]:
                self._measure(marks.pop(0)[0])
            if time.monotonic() > calm:
                self._kill()
                calm = time.monotonic() + self.dice.uniform(10, 60)
        for share, _ in marks:
            self._measure(share)

    def _kill(self):
        began = time.monotonic()
        if self.dice.random() < 0.8:
            self.killed.kill()
            self.kills += 1
        else:
            self.killed.stop()
            self.stops += 1
        port = self.killed.ready["tcp"].rsplit(":", 1)[1]  # The next one is found where this one was.
        time.sleep(self.dice.choice([0, 0, self.dice.uniform(0, 5)]))
        self.programs.remove(self.killed)
        self.killed = self.origin("killed", port).await_ready()
        self.down.append((began, time.monotonic() + GRACE_SECONDS))

    def _measure(self, share):
        minutes = self.options.minutes * share
        for program in (self.steady, self.relay):
            self.memory[program.name, share] = (program.resident_bytes() / 1e6, live_heap(program) / 1e6)
            print(f"{minutes:.0f} min: {program.name} has {self.memory[program.name, share][0]:.0f} MB resident, {self.memory[program.name, share][1]:.1f} MB of live heap", flush=True)

    def _settle(self):
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end and not self._all_there():
            time.sleep(2)
        self.seen.stop()
        self.seen.look("replay.m3u8")
        self.seen.fill()

    def _all_there(self):
        """So that what is late only is waited for; what is missing is told afterwards."""
        stored = all(self._bucket(name, key)[0] for name, key in zip(("steady", "killed"), self.seen.keys))
        return stored and all(self._compared(key, variant)[0] for key, variant in self.seen.digests)

    def _compared(self, key, variant):
        """(whether all is there, what was seen): the one that ran through must have all, the killed one all that it could see for some seconds."""
        wanted = self.owncast.replica.wanted(variant)
        ours = self.seen.digests[key, variant]
        got = [ours[seq][0] for seq in sorted(ours)]
        seqs = sorted(ours)
        holes = (seqs[-1] - seqs[0] + 1 - len(seqs)) if seqs else 0
        down = self.down[:1] if key == self.seen.keys[0] else self.down
        places = collections.defaultdict(list)  # Two runs of a synthetic encoder may write the same bytes.
        for place, (_, digest, *_) in enumerate(wanted):
            places[digest].append(place)
        matched, newest = set(), -1
        for digest in got:
            following = next((place for place in places.get(digest, ()) if place > newest), None)
            if following is not None:  # Else it is no segment's, or it is one out of order or once more.
                newest = following
                matched.add(newest)
        surplus = len(got) - len(matched)
        missing = [segment for place, segment in enumerate(wanted) if place not in matched]
        lost = [name for name, _, listed, unlisted in missing if longest_look(listed, unlisted or time.monotonic(), down) >= GRACE_SECONDS]
        where = f", first lost {lost[0]}" if lost else ""
        detail = f"{len(got)} chunks of {len(wanted)} finished segments, {len(lost)} lost, {surplus} that none was, {holes} numbers missing, {len(missing) - len(lost)} listed only while it was down{where}"
        return bool(got) and not lost and not surplus and not holes, detail

    def _tell(self):
        good = self.check("the feed ran to its end", self.owncast.failure is None, self.owncast.failure or "")
        print(f"{self.owncast.fed / 60:.0f} minutes of feed, {self.owncast.replica.runs} encoder runs, {self.owncast.replica.partial} files cut off, accidents: {self.owncast.accidents}", flush=True)
        seconds, name = self.owncast.replica.longest_unfinished()
        print(f"listed before it was whole: at the most {max(0.0, seconds):.2f} s, {name}", flush=True)
        print(f"the killed origin: {self.kills} SIGKILLs, {self.stops} stops", flush=True)
        for name, key in zip(("steady", "killed"), self.seen.keys):
            for variant in range(len(VARIANTS)):
                fine, detail = self._compared(key, variant)
                good &= self.check(f"{name}, variant {variant}: every finished segment once, in order, byte-equal", fine, detail)
            good &= self.check(f"{name}: the bucket holds exactly the history", *self._bucket(name, key))
            status = next(stream for stream in self.relay.status()["streams"] if stream["key"] == key)
            good &= self.check(f"{name}: one chain", status["forks"] == [], json.dumps(status["forks"])[:300])
        good &= self.check("the bucket refused nothing", not self.store.refused, str(self.store.refused[:2]))
        for program in ("steady", "relay"):
            good &= self._tell_memory(program)
        self._tell_sent()
        if not good:
            self._write_down()
        return good

    def _write_down(self):
        """What was wanted and what was seen, beside the logs: where they differ is soon gone from every cache."""
        for number, (key, variant) in enumerate(self.seen.digests):
            wanted = [[name, digest, listed, unlisted] for name, digest, listed, unlisted in self.owncast.replica.wanted(variant)]
            got = [[seq, digest, when] for seq, (digest, when) in sorted(self.seen.digests[key, variant].items())]
            offset = time.time() - time.monotonic()
            (self.folder / f"seen-{number}.json").write_text(json.dumps({"key": key, "variant": variant, "offset": offset, "down": self.down, "wanted": wanted, "got": got}))

    def _tell_memory(self, program):
        """What is compared has the same history to hold: half of the run is longer than what is kept."""
        half, end = self.memory[program, HALF], self.memory[program, END]
        detail = ", ".join(f"{self.options.minutes * share:.0f} min {self.memory[program, share][0]:.0f} MB resident, {self.memory[program, share][1]:.1f} MB heap" for share in MARKS)
        hours = self.options.minutes / self.options.speed / 60
        second_half = [share for share in MARKS if share >= HALF]
        growth = slope([share * hours for share in second_half], [self.memory[program, share][1] for share in second_half])
        detail += f"; the heap's slope from {self.options.minutes * HALF:.0f} min on is {growth:+.2f} MB in an hour"
        if hours * 60 * HALF < self.options.history:
            print(f"{program}, too short to judge its memory: {detail}", flush=True)
            return True
        return self.check(f"{program}: memory is flat", end[0] <= FLAT * half[0] and end[1] <= FLAT * half[1] + 1, detail)

    def _tell_sent(self):
        """All that the origin that ran through sent, for what it published."""
        published = self.seen.bytes[self.seen.keys[0]]
        metrics = self.steady.metrics()
        everything = metrics.sum("tributary_sent_bytes_total")
        shares = {peer: metrics.sum("tributary_sent_bytes_total", peer=peer) / published for peer in ("relay", "bucket", "viewer", "origin")}
        rate = published * 8 / 1000 / (self.options.minutes * 60 / self.options.speed)
        by = {who: self.store.writes.count(who) for who in ("origin", "relay")}
        print(
            f"sent by steady ÷ published ({published / 1e6:.1f} MB, {rate:.0f} kbit/s): {everything / published:.3f}, of which "
            + ", ".join(f"{share:.3f} to {peer}s" for peer, share in shares.items() if share)
            + f"; chunks put into the bucket, both origins': {by['relay']} by the relay, {by['origin']} by origins",
            flush=True,
        )

    def _bucket(self, name, key):
        now = time.time()
        stored = {}
        for path, body in dict(self.store.objects).items():
            match = re.fullmatch(rf"/lab/{name}/{key}/(\d+)/(\d+)/(\d+)-(\w{{8}})\.(ts|mp4)", path)
            if match:
                stored[int(match.group(2)), int(match.group(3))] = hashlib.sha1(body).hexdigest()
        missing, wrong, old = [], [], []
        for (its, variant), digests in self.seen.digests.items():
            if its != key:
                continue
            for seq, (digest, when) in digests.items():
                age = now - when
                there = stored.get((variant, seq))
                if there is None and RETENTION_SLACK / 3 < age < self.options.history * 60 - RETENTION_SLACK:
                    missing.append((variant, seq))
                elif there is not None and there != digest:
                    wrong.append((variant, seq))
                elif there is not None and age > self.options.history * 60 + RETENTION_SLACK:
                    old.append((variant, seq))
        unknown = [chunk for chunk in stored if chunk[1] not in self.seen.digests[key, chunk[0]]]
        documents = [path for path in self.store.objects if path.startswith(f"/lab/{name}/") and not path.endswith((".ts", ".mp4"))]
        terms = {path.split("/")[4] for path in documents}
        with_chunks = {path.split("/")[4] for path in self.store.objects if path.startswith(f"/lab/{name}/") and path.endswith((".ts", ".mp4"))}
        stale = terms - with_chunks - {max(terms, default="")}
        good = bool(stored) and not (missing or wrong or old or unknown or stale)
        return good, f"{len(stored)} chunks, missing {len(missing)} {missing[:3]}, other bytes {len(wrong)}, too old {len(old)}, never published {len(unknown)}, lists of nothing {len(stale)}"

    def check(self, what, good, detail=""):
        if self.options.json:
            print(json.dumps({"name": f"feed.{what}", "value": int(good), "unit": str(detail)}), flush=True)
        else:
            print(f"{'PASS' if good else 'FAIL'} {what}{f': {detail}' if detail else ''}", flush=True)
        return bool(good)


def longest_look(begin, end, down):
    """The longest time between these two in which nobody was down."""
    longest = 0.0
    for gone, back in sorted(down):
        longest = max(longest, min(end, gone) - begin)
        begin = max(begin, back)
    return max(longest, end - begin)


def slope(xs, ys):
    """Of the straight line that is nearest to these points."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def live_heap(program):
    """Bytes of the heap that are reachable; what was allocated since the last collection counts in none of them."""
    jcmd = shutil.which("jcmd")
    if jcmd is None:
        return 0
    said = subprocess.run([jcmd, str(program.process.pid), "GC.class_histogram"], capture_output=True, text=True, timeout=60).stdout
    total = re.search(r"^Total\s+\d+\s+(\d+)", said, re.MULTILINE)
    return int(total.group(1)) if total else 0


if __name__ == "__main__":
    main()
