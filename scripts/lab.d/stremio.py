"""Stremio's own compiled core against a running gateway: installs the add-on with every config, and keeps all that it is sent."""

import argparse
import base64
import http.client
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clients import LIVE_SECONDS, Report, Setting, at_least_three, eventually, offered_window
from npm import installed
from program import Gone, NotReady

SCRIPTS = Path(__file__).resolve().parent / "gateway"
DEVICES = ("any", "desktop", "android", "fire-tv", "apple", "tv", "browser")
QUALITIES = ("auto", "best", "saver")
EPISODE_SECONDS = 360  # a five-minute mark, and what comes after it
RESTART_SECONDS = 5
CORE_SECONDS = 600


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab stremio", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep logs and state even if all is well")
    parser.add_argument("--no-episode", action="store_true", help="do not wait for the first episode, up to six minutes")
    options = parser.parse_args()
    tools, missing = installed(SCRIPTS, "gateway")
    if missing:
        print(f"scripts/lab stremio: {missing}", file=sys.stderr)
        sys.exit(3)
    folder = Path(tempfile.mkdtemp(prefix="lab-stremio-"))
    report, setting = Report(), None
    try:
        setting = Setting(folder)
        if report.check("the gateway has something to play", eventually(LIVE_SECONDS, lambda: at_least_three(setting.live_playlist()))):
            report.check("a window is offered", eventually(3 * LIVE_SECONDS, lambda: offered_window(setting)))
            setting.tools, setting.episode = tools, None
            report.attempt(linter_passes, setting)
            report.attempt(errors_carry_cors, setting)
            if not options.no_episode:
                setting.episode = eventually(EPISODE_SECONDS, lambda: first_closed_episode(setting))
                report.check("an episode is listed", setting.episode, setting.episode or "")
            report.attempt(core_keeps_everything, setting)
            report.attempt(useful_soon_after_a_restart, setting)
    except (NotReady, Gone) as failure:
        report.check("every program gets READY and stays", False, failure)
    finally:
        if setting:
            setting.stop()
        if report.failed or options.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"{len(report.failed)} failed{': ' + '; '.join(report.failed) if report.failed else ''}")
    sys.exit(1 if report.failed else 0)


def base(setting):
    return f"http://{setting.gateway.ready['http']}"


def configs():
    """Each (name, path before /manifest.json) that /configure can make of device, quality and P2P."""
    yield "default", ""
    for device, quality, p2p in itertools.product(DEVICES, QUALITIES, (True, False)):
        chosen = {"d": device}
        if quality != "auto":
            chosen["q"] = quality
        if not p2p:
            chosen["p"] = False
        text = base64.urlsafe_b64encode(json.dumps(chosen, separators=(",", ":")).encode()).decode().rstrip("=")
        yield f"{device} {quality} {'p2p' if p2p else 'plain'}", f"/{text}"


def linter_passes(report, setting):
    urls = [f"{base(setting)}{path}/manifest.json" for _, path in configs()]
    said = subprocess.run(["node", "lint.js", *urls], cwd=setting.tools, capture_output=True, text=True, timeout=CORE_SECONDS)
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    bad = [line for line in lines if not line["valid"] or line["warnings"]]
    report.check("stremio-addon-linter passes for every config", len(lines) == len(urls) and not bad, f"{len(lines)} manifests {bad or ''}{said.stderr[-300:]}")


def errors_carry_cors(report, setting):
    """Over a real connection: what a browser is shown, and that HEAD says what GET does."""
    ip, port = setting.gateway.address("http")
    known = f"/stream/tv/tributary%3A{setting.key}.json"
    for path, wanted in (("/nothing", 404), ("/stream/tv/nothing.json", 404), ("/%7B/manifest.json", 400), (known, 200), ("/manifest.json", 200)):
        got, head = headers(ip, port, "GET", path), headers(ip, port, "HEAD", path)
        same = {name: value for name, value in got.items() if name != "date"} == {name: value for name, value in head.items() if name != "date"}
        good = got["status"] == str(wanted) and got.get("access-control-allow-origin") == "*" and same
        report.check(f"{wanted} for {path.split('/')[1] or '/'} carries CORS and HEAD equals GET", good, "" if good else f"{got} {head}")


def headers(ip, port, method, path):
    connection = http.client.HTTPConnection(ip, port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return {"status": str(answer.status), **{name.lower(): value for name, value in answer.getheaders()}}


def first_closed_episode(setting):
    """The id of the oldest episode that is offered as a torrent too: then it is over."""
    videos = setting.ask(f"/meta/tv/tributary%3A{setting.key}.json")["meta"].get("videos", [])
    for video in videos[:2]:
        streams = setting.ask(f"/stream/tv/{video['id'].replace(':', '%3A')}.json")["streams"]
        if any("infoHash" in stream for stream in streams):
            return video["id"]
    return None


def core_keeps_everything(report, setting):
    episode = setting.episode
    manifests = {f"{base(setting)}{path}/manifest.json": name for name, path in configs()}
    command = ["node", "stremio_core.js", f"tributary:{setting.key}", episode or "-", *manifests]
    said = subprocess.run(command, cwd=setting.tools, capture_output=True, text=True, timeout=CORE_SECONDS)
    seen = {line["manifest"]: line for line in map(json.loads, said.stdout.splitlines())}
    report.check("the core installs the add-on with every config", seen.keys() == manifests.keys(), f"{len(seen)} of {len(manifests)} {said.stderr[-500:]}")
    lost, kept = [], 0
    for url, line in seen.items():
        parts = [line["catalog"], line["live"]["streams"], line["live"]["videos"], *([line["episode"]["streams"]] if episode else [])]
        kept += sum(part["kept"] for part in parts[1:2] + parts[3:])
        if any(part["kept"] != part["sent"] for part in parts) or line["live"]["streams"]["sent"] == 0:
            lost.append((manifests[url], parts))
    report.check("every stream, video and item that is sent is kept", not lost and kept > 0, f"{kept} streams kept {lost or ''}")
    report.check("the catalog has a selector and the stream", all("genre" in line["catalog"]["extra"] and line["catalog"]["has"] for line in seen.values()))
    if episode:
        after = [(manifests[url], line["episode"]) for url, line in seen.items()]
        number = int(episode.rsplit(":", 1)[1])
        wrong = [name for name, each in after if each["then"]["episode"] != number + 1 and number < 288]
        report.check(f"the video after episode {number} is {number + 1}", not wrong, wrong or "")
        broken = [name for name, each in after if not each["then"]["playable"] or not each["then"]["sameGroup"]]
        report.check("and it is answerable as the player starts, in the same binge group", not broken, broken or "")


def entries(setting, gateway):
    """The kinds of entries that a viewer is offered there, those that only explain left out."""
    answer = json.loads(gateway.get(f"/stream/tv/tributary%3A{setting.key}.json", "http"))
    return {stream["name"].split()[0] for stream in answer["streams"] if "externalUrl" not in stream}


def useful_soon_after_a_restart(report, setting):
    """From the start of the process until the whole list is there again; nothing is kept over a restart."""
    whole = entries(setting, setting.gateway)
    report.check("the list has more than one kind of entry", len(whole) > 1, whole)
    setting.gateway.stop()
    began = time.monotonic()
    setting.gateway = setting.start("gateway", "addon-gateway", "--stream", setting.key, *setting.bootstrap).await_ready()
    is_whole_soon(report, setting, setting.gateway, whole, began, "by the DHT and the mesh")
    notified = setting.start("notified", "addon-gateway", "--open", "--no-dht").await_ready()
    port = notified.ready["http"].rsplit(":", 1)[1]
    setting.origin.stop()
    setting.restart_origin("--notify", f"ws://127.0.0.1:{port}/notify#{notified.ready['id']}")
    if report.check("a gateway without a DHT has the whole list once the origin pushes to it", eventually(3 * LIVE_SECONDS, lambda: entries(setting, notified) >= whole)):
        notified.kill()
        began = time.monotonic()
        again = setting.start("notified", "addon-gateway", "--open", "--no-dht", port=port).await_ready()
        is_whole_soon(report, setting, again, whole, began, "by --notify alone, after a kill -9")


def is_whole_soon(report, setting, gateway, whole, began, how):
    there = eventually(LIVE_SECONDS, lambda: entries(setting, gateway) >= whole, 0.05)
    took = time.monotonic() - began
    report.check(f"the whole list is back within {RESTART_SECONDS} s of the process's start, {how}", there and took <= RESTART_SECONDS, f"{took:.1f} s")


if __name__ == "__main__":
    main()
