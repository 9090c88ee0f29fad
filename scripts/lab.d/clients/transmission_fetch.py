"""Fetches a magnet with Transmission, encryption required: transmission_fetch.py MAGNET FOLDER SECONDS. Exit 0 once all is there."""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wire import die_with_parent  # noqa: E402

REQUIRED = 2
magnet, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def add(rpc, session=""):
    """Has the daemon fetch the magnet: its folder watch takes .torrent files alone."""
    question = json.dumps({"method": "torrent-add", "arguments": {"filename": magnet}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{rpc}/transmission/rpc", question, {"X-Transmission-Session-Id": session})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["result"] == "success"
    except urllib.error.HTTPError as refused:
        if refused.code != 409:
            raise
        return add(rpc, refused.headers["X-Transmission-Session-Id"])  # It names the session that it wants to hear.
    except urllib.error.URLError:
        return False  # Not started yet.


rpc = free_port()
with tempfile.TemporaryDirectory(prefix="lab-transmission-") as name:
    home = Path(name)
    settings = {
        "encryption": REQUIRED, "peer-port": free_port(), "rpc-port": rpc, "rpc-bind-address": "127.0.0.1", "start-added-torrents": True,
        "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False,
        "download-dir": str(folder), "incomplete-dir": str(home / "incomplete"), "incomplete-dir-enabled": True,
    }  # fmt: skip
    (home / "settings.json").write_text(json.dumps(settings))
    command = ["transmission-daemon", "-f", "-g", str(home), "-e", str(home / "log")]
    daemon = subprocess.Popen(command, preexec_fn=die_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + seconds
    added = done = False
    while not done and time.monotonic() < end:
        time.sleep(0.2)
        added = added or add(rpc)
        done = any(folder.iterdir())  # It moves there what is whole.
    time.sleep(1)  # for the move
    daemon.terminate()
    daemon.wait()
    if not done:
        print((home / "log").read_text()[-300:])
sys.exit(0 if done else 1)
