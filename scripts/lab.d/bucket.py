"""All that an origin sends ÷ bitrate with a bucket: written by itself, and by relays with what it signed."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import s3
from feed import Feed, encoded
from minio import Minio, minio
from program import Gone, NotReady, Program, stop_all

MBIT = 1_000_000
RELAYS = 3
SEGMENT_SECONDS = 2
LOOPBACK = ["--bind", "127.0.0.1", "--port", "0", "--admin", "127.0.0.1:0", "--no-dht", "--dht-private"]
WARM_UP = 120
TRIES = 6
ALLOWED = 1.10
CACHE = Path(tempfile.gettempdir()) / "tributary-lab"


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab bucket", description=__doc__)
    parser.add_argument("--seconds", type=int, default=50, help="measured, of each kind (50)")
    parser.add_argument("--bitrate", type=float, default=3, help="Mbit/s (3)")
    parser.add_argument("--minio", action="store_true", help="the bucket is a real MinIO's, and puts that were tampered with are tried on it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    program, why = minio() if options.minio else (None, "")
    if options.minio and program is None:
        print(f"scripts/lab bucket --minio: {why}", file=sys.stderr)
        sys.exit(3)
    os.environ.update(AWS_ACCESS_KEY_ID=s3.ID, AWS_SECRET_ACCESS_KEY=s3.SECRET)
    CACHE.mkdir(exist_ok=True)
    source = encoded(CACHE, int(options.bitrate * MBIT), SEGMENT_SECONDS, 30)
    rows = []
    good = True
    for by_relays in (False, True):
        folder = Path(tempfile.mkdtemp(prefix="lab-bucket-"))
        programs = []
        try:
            store = Minio(program, folder) if options.minio else s3.S3()
            figures, fine = measured(options, source, folder, programs, by_relays, store)
            rows += figures
            good = good and fine
        except (NotReady, Gone) as failure:
            print(f"FAIL {failure}", flush=True)
            good = False
        finally:
            stop_all(programs)
        if good:
            shutil.rmtree(folder)
        else:
            print(f"logs: {folder}", file=sys.stderr)
    for name, value, unit in rows:
        print(json.dumps({"name": name, "value": value, "unit": unit}) if options.json else f"{name:<34}{value:>10.3f} {unit}", flush=True)
    sys.exit(0 if good else 1)


def measured(options, source, folder, programs, by_relays, store):
    feed = Feed(source, folder / "hls")
    arguments = ["--hls", str(folder / "hls"), "--s3-endpoint", store.url, "--s3-bucket", "lab", "--bucket-by-relays", str(by_relays).lower(), *LOOPBACK]
    origin = Program("origin", "origin", arguments, folder)
    programs.append(origin)
    origin.await_ready()
    key = origin.ready["id"]
    for number in range(RELAYS):
        programs.append(Program(f"relay{number}", "relay", ["--stream", key, "--peer", origin.ready["tcp"], "--max-upload", "50Mbit", "--no-port-mapping", *LOOPBACK], folder))
    for relay in programs[1:]:
        relay.await_ready()
    fed = await_fed(origin)
    before, sent, stored, written = published(origin), bytes_sent(origin), set(store.objects), len(store.writes)
    time.sleep(options.seconds)
    after, now = published(origin), bytes_sent(origin)
    time.sleep(3 * SEGMENT_SECONDS)
    seqs = range(max(before) + 1, max(after) + 1)
    useful = sum(after[seq] for seq in seqs if seq in after)
    writers = store.writes[written:]
    there = {int(path.rsplit("/", 1)[1].split("-")[0]) for path in store.objects if path.endswith((".ts", ".mp4"))}
    missing = [seq for seq in seqs if seq not in there]
    feed.stop()
    trusted = by_relays and options.minio
    tampered = tried(store) if trusted else []
    whole = not options.minio or all(store.holds(path, body) for path, body in dict(store.objects).items() if path.endswith((".ts", ".mp4")))
    store.stop()
    kind = "by-relays" if by_relays else "by-origin"
    total = {peer: (now[peer] - sent[peer]) / useful for peer in now}
    rows = [
        (f"bucket.{kind}.uplink", sum(total.values()), "all that the origin sends / bitrate, by its /metrics"),
        (f"bucket.{kind}.to-relays", total["relay"], ""),
        (f"bucket.{kind}.to-bucket", total["bucket"], ""),
        (f"bucket.{kind}.written-by-relays", writers.count("relay") / max(1, len(writers)), f"of {len(writers)} chunks"),
        (f"bucket.{kind}.missing", len(missing), f"of {len(seqs)} chunks"),
        (f"bucket.{kind}.refused", len(store.refused), "puts"),
    ]
    for what, status, good in tampered:
        print(f"{'PASS' if good else 'FAIL'} MinIO, a relay's put once more, with {what}: {status}", flush=True)
    if options.minio:
        print(f"{'PASS' if whole else 'FAIL'} MinIO gives out every chunk byte for byte", flush=True)
    good = fed and whole and not missing and not store.refused and all(good for *_, good in tampered) and (tampered or not trusted)
    return rows, bool(good) and (not by_relays or sum(total.values()) <= ALLOWED)


def tried(store):
    """A put that a relay made with the origin's signature, made again with something changed: (what, status, whether that is right)."""
    path, headers, body = next(request for request in reversed(store.requests) if "aws-sdk" not in str(request[1]))
    headers = {name.lower(): value for name, value in headers.items()}
    other = bytes([body[0] ^ 1]) + body[1:]
    hashed = {**headers, "x-amz-content-sha256": hashlib.sha256(other).hexdigest()}
    tries = [
        ("another byte", path, headers, other),
        ("a byte less", path, headers, body[:-1]),
        ("nothing in it", path, headers, b""),
        ("other bytes and their hash", path, hashed, other),
        ("a payload that is not signed", path, {**headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, other),
        ("another name", path + ".ts", headers, body),
        ("another type", path, {**headers, "content-type": "text/html"}, body),
        ("another time of caching", path, {**headers, "cache-control": "no-store"}, body),
    ]
    told = []
    for what, name, its, sent in tries:
        status = store.again(name, its, sent)
        told.append((what, status, status in (400, 403)))
    status = store.again(path, headers, body)
    told.append(("nothing changed", status, status == 200))
    told.append(("what is stored after all that", "as the origin signed it", store.holds(path, body)))
    return told


def patiently(question):
    """The answer, from a machine that may be busy."""
    for _ in range(TRIES - 1):
        try:
            return question()
        except OSError:
            time.sleep(1)
    return question()


def await_fed(origin):
    """Until every relay keeps up, so that what is measured is a mesh that runs."""
    end = time.monotonic() + WARM_UP
    while time.monotonic() < end:
        streams = patiently(origin.status)["streams"]
        chunks = [chunk for rendition in streams[0]["renditions"] for chunk in rendition["chunks"]]
        if len(chunks) >= 5 and all(len(chunk["holders"]) == RELAYS for chunk in chunks[-4:-1]):
            return True
        time.sleep(1)
    print("FAIL the relays do not keep up", flush=True)
    return False


def published(origin):
    return {chunk["seq"]: chunk["bytes"] for chunk in patiently(origin.status)["streams"][0]["renditions"][0]["chunks"]}


def bytes_sent(origin):
    metrics = patiently(origin.metrics)
    return {peer: metrics.sum("tributary_sent_bytes_total", peer=peer) for peer in ("relay", "viewer", "bucket")}


if __name__ == "__main__":
    main()
