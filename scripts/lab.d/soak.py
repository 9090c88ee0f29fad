"""An Owncast folder with every accident there is, faster than life, an origin that is killed at any moment, and a relay that
must have had every finished segment once, in order, byte for byte.

Segments are made by ffmpeg beforehand and written in place, growing, with the list that names them rewritten in place behind
them. While a killed origin starts again, the feed stands still: a start takes as long as in life, and the feed does not."""

import argparse
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from program import Gone, NotReady, Program, stop_all

LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
VARIANTS = 2
SEGMENT_SECONDS = 2
MADE = 40
LISTED = 10
KEPT = 20
POLL_SECONDS = 0.2
SETTLE_SECONDS = 30
FLAT = 1.15


def made(folder, kind):
    """Segments of both variants in one container: for each, a list of (bytes, init or None)."""
    target = folder / f"made-{kind}"
    target.mkdir(parents=True)
    mp4 = ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init-%v.mp4"] if kind == "m4s" else []
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10"]
        + ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=22050", "-t", str(SEGMENT_SECONDS * MADE)]
        + ["-map", "0:v", "-map", "1:a", "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "40"]
        + ["-g", str(10 * SEGMENT_SECONDS), "-keyint_min", str(10 * SEGMENT_SECONDS), "-sc_threshold", "0", "-pix_fmt", "yuv420p"]
        + ["-c:a", "aac", "-b:a", "16k", "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "0"]
        + ["-var_stream_map", "v:0,a:0 v:1,a:1", *mp4]
        + ["-hls_segment_filename", str(target / f"%v-%d.{kind}"), str(target / "%v.m3u8")],
        check=True,
    )
    variants = []
    for variant in range(VARIANTS):
        init = (target / f"init-{variant}.mp4") if kind == "m4s" else None
        files = sorted(target.glob(f"{variant}-*.{kind}"), key=lambda file: int(file.stem.split("-")[1]))
        variants.append([(file.read_bytes(), init.read_bytes() if init else None) for file in files])
    return variants


class Owncast:
    """Writes as Owncast does, in a thread, at `speed` times life; remembers what it finished."""

    def __init__(self, folder, segments, speed, dice):
        self.folder = Path(folder)
        self.finished = [[] for _ in range(VARIANTS)]  # SHA-1s, in order
        self.runs = 0
        self.standing = threading.Event()  # set: the feed runs
        self.standing.set()
        self.fed = 0.0
        self._segments = segments
        self._speed = speed
        self._dice = dice
        self._lock = threading.Lock()
        self.folder.mkdir(parents=True)
        lines = ["#EXTM3U"]
        for variant in range(VARIANTS):
            (self.folder / str(variant)).mkdir()
            lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={(VARIANTS - variant) * 100000}", f"{variant}/stream.m3u8"]
        (self.folder / "stream.m3u8").write_text("\n".join(lines) + "\n")

    def pause(self, seconds):
        """Feed time passes with nothing written."""
        self.standing.wait()
        self.fed += seconds
        time.sleep(seconds / self._speed)

    def run(self, count):
        """One run of an encoder: `count` segments of each variant, and the beginning of one more, which is never listed."""
        kind = self._dice.choice(["ts", "ts", "m4s"])
        name = f"{self._dice.getrandbits(32):08x}"
        self.runs += 1
        listed = [[] for _ in range(VARIANTS)]
        for number in range(count + 1):
            self.pause(SEGMENT_SECONDS * self._dice.uniform(0.8, 1.2))
            for variant in range(VARIANTS):
                data, init = self._segments[kind][variant][number % MADE]
                folder = self.folder / str(variant)
                if init and number == 0:
                    (folder / f"init-{name}.mp4").write_bytes(init)
                file = folder / f"stream-{name}-{number}.{kind}"
                if number == count:
                    file.write_bytes(data[: len(data) // 2])  # The encoder is killed here.
                    continue
                self._grow(file, data)
                listed[variant].append(file.name)
                with self._lock:
                    self.finished[variant].append(hashlib.sha1((init or b"") + data).hexdigest())
                self._list(variant, listed[variant], f"init-{name}.mp4" if init else None)
                if number >= KEPT:
                    (folder / f"stream-{name}-{number - KEPT}.{kind}").unlink(missing_ok=True)
        self._last = listed, (f"init-{name}.mp4" if kind == "m4s" else None)

    def _grow(self, file, data):
        cuts = sorted(self._dice.randrange(len(data)) for _ in range(3)) + [len(data)]
        with open(file, "wb", buffering=0) as out:
            begin = 0
            for cut in cuts:
                out.write(data[begin:cut])
                begin = cut
                time.sleep(self._dice.uniform(0, 0.01))

    def _list(self, variant, names, init, end=""):
        shown = names[-LISTED:]
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}", f"#EXT-X-MEDIA-SEQUENCE:{len(names) - len(shown)}"]
        lines += [f'#EXT-X-MAP:URI="{init}"'] if init else []
        for name in shown:
            lines += [f"#EXTINF:{SEGMENT_SECONDS:.6f},", name]
        text = ("\n".join(lines) + "\n" + end).encode()
        with open(self.folder / str(variant) / "stream.m3u8", "wb", buffering=0) as out:  # In place: a reader finds any part.
            middle = self._dice.randrange(len(text))
            out.write(text[:middle])
            time.sleep(self._dice.uniform(0, 0.005))
            out.write(text[middle:])

    def offline(self):
        """The offline clip ends each list, as Owncast appends it."""
        listed, init = self._last
        for variant in range(VARIANTS):
            (self.folder / str(variant) / "offline-v2.ts").write_bytes(b"\x47" + bytes(187))
            end = '#EXT-X-DISCONTINUITY\n#EXTINF:8.000000,\noffline-v2.ts\n#EXT-X-ENDLIST\n'
            self._list(variant, listed[variant], init, end)

    def wipe(self):
        for variant in range(VARIANTS):
            for file in (self.folder / str(variant)).iterdir():
                file.unlink()

    def move_away(self, seconds):
        away = self.folder.with_name("away")
        self.folder.rename(away)
        time.sleep(seconds)
        away.rename(self.folder)


class Seen:
    """What a relay listed, chunk by chunk, fetched as soon as it is."""

    def __init__(self, relay, key):
        self._relay, self._key = relay, key
        self.digests = [{} for _ in range(VARIANTS)]
        self.offline = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="seen", daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._stopped.wait(POLL_SECONDS):
            self.look()

    def look(self, playlist="live.m3u8"):
        for variant in range(VARIANTS):
            base = f"/live/{self._key}/{variant}/"
            try:
                text = self._relay.get(base + playlist, "http").decode()
                for name in re.findall(r"^(?:\S*/)?(\d+\.(?:ts|mp4))$", text, re.MULTILINE):
                    seq = int(name.split(".")[0])
                    if seq not in self.digests[variant]:
                        self.digests[variant][seq] = hashlib.sha1(self._relay.get(base + name, "http")).hexdigest()
            except OSError:
                continue  # Not yet, or gone meanwhile; the next look tells.

    def fill(self, node):
        """Asks a node by name for what no list showed; returns how many chunks it had."""
        found = 0
        for variant, digests in enumerate(self.digests):
            for seq in set(range(min(digests), max(digests) + 1)) - digests.keys() if digests else ():
                for ending in ("ts", "mp4"):
                    try:
                        digests[seq] = hashlib.sha1(node.get(f"/live/{self._key}/{variant}/{seq}.{ending}", "http")).hexdigest()
                        found += 1
                        break
                    except OSError:
                        continue  # The other ending, or not here.
        return found

    def stop(self):
        self._stopped.set()
        self._thread.join()


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab feed", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of feed time (10)")
    parser.add_argument("--speed", type=float, default=4, help="times life (4)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lab-feed-"))
    programs = []
    try:
        good = soak(options, folder, programs)
    except (NotReady, Gone) as failure:
        print(f"FAIL {failure}", flush=True)
        good = False
    finally:
        stop_all(programs)
        if (folder / "away").exists():
            (folder / "away").rename(folder / "hls")
    if good:
        shutil.rmtree(folder)
    else:
        print(f"logs: {folder}", file=sys.stderr)
    sys.exit(0 if good else 1)


def soak(options, folder, programs):
    dice = random.Random(options.seed)
    segments = {kind: made(folder, kind) for kind in ("ts", "m4s")}
    owncast = Owncast(folder / "hls", segments, options.speed, dice)

    def origin(number):
        arguments = ["--hls", str(folder / "hls"), "--name", "Soak", "--history", "2h", *LOOPBACK]
        programs.append(Program("origin", "origin", arguments, folder))
        return programs[-1].await_ready()

    running = origin(0)
    key = running.ready["id"]
    port = running.ready["tcp"].rsplit(":", 1)[1]
    LOOPBACK[LOOPBACK.index("--port") + 1] = port  # The next one is found where this one was.
    peer = f"127.0.0.1:{port}"
    relay = Program("relay", "relay", ["--stream", key, "--peer", peer, "--no-port-mapping", "--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"], folder)
    programs.append(relay)
    relay.await_ready()
    seen = Seen(relay, key)
    kills, resident, terms = 0, [], {running.status()["streams"][0].get("term")}
    feeding = threading.Event()

    def feed():
        while owncast.fed < options.minutes * 60:
            owncast.run(dice.randrange(3, 40))
            accident = dice.randrange(5)
            if accident == 0:
                owncast.pause(dice.uniform(2, 5))
            elif accident == 1:
                owncast.pause(3)
                owncast.offline()
                owncast.pause(dice.uniform(5, 60))
            elif accident == 2:
                owncast.pause(4)
                owncast.offline()
                owncast.pause(30)
                owncast.wipe()
                owncast.pause(5)
            elif accident == 3:
                owncast.pause(4)
                owncast.move_away(dice.uniform(0.5, 3))
            else:
                owncast.pause(dice.uniform(3, 20))
        feeding.set()

    writer = threading.Thread(target=feed, name="feed", daemon=True)
    writer.start()
    calm = time.monotonic() + dice.uniform(10, 25)
    while not feeding.wait(0.5):
        resident.append(running.resident_bytes())
        if time.monotonic() > calm:
            running.kill()
            owncast.standing.clear()
            kills += 1
            running = origin(kills)
            time.sleep(2)  # It has looked at what is listed.
            owncast.standing.set()
            resident.clear() if len(resident) < 40 else None
            calm = time.monotonic() + dice.uniform(10, 40)
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end and any(len(seen.digests[v]) < len(owncast.finished[v]) for v in range(VARIANTS)):
        time.sleep(POLL_SECONDS)
        seen.look("replay.m3u8")
    seen.stop()
    listed = sum(map(len, seen.digests))
    unlisted = seen.fill(relay)
    at_origin_only = seen.fill(running)
    return told(options, owncast, seen, kills, resident, (listed, unlisted, at_origin_only))


def told(options, owncast, seen, kills, resident, sources):
    good = sources[2] == 0
    rows = [("feed.minutes", owncast.fed / 60, "min"), ("feed.runs", owncast.runs, "encoder runs"), ("feed.kills", kills, "SIGKILLs of the origin")]
    rows += [("feed.listed", sources[0], "chunks that the relay listed in time"), ("feed.unlisted", sources[1], "more that it had"), ("feed.late", sources[2], "that only the origin had")]
    for variant in range(VARIANTS):
        got = [digest for _, digest in sorted(seen.digests[variant].items())]
        wanted = owncast.finished[variant]
        seqs = sorted(seen.digests[variant])
        holes = (seqs[-1] - seqs[0] + 1 - len(seqs)) if seqs else 0
        first = next((at for at, (one, other) in enumerate(zip(got, wanted)) if one != other), None)
        equal = got == wanted
        good = good and equal and holes == 0
        rows.append((f"feed.segments.{variant}", len(wanted), "finished segments"))
        rows.append((f"feed.published.{variant}", len(got), f"chunks{'' if equal else f', first difference at {first}'}"))
        rows.append((f"feed.holes.{variant}", holes, "numbers missing"))
    third = max(1, len(resident) // 3)
    if len(resident) > 60:
        growth = (sum(resident[-third:]) / third) / (sum(resident[third : 2 * third]) / third)
        rows.append(("feed.memory", growth, "resident memory, last third over the one before"))
        good = good and growth <= FLAT
    rows.append(("feed.resident", max(resident or [0]) / 1e6, "MB"))
    for name, value, unit in rows:
        print(json.dumps({"name": name, "value": value, "unit": unit}) if options.json else f"{name:<22}{value:>10.2f} {unit}", flush=True)
    print("PASS every finished segment once, in order, byte-equal" if good else "FAIL", flush=True)
    return good


if __name__ == "__main__":
    main()
