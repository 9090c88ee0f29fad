"""Fetches a magnet with Transmission, encryption required: transmission_fetch.py MAGNET FOLDER SECONDS. Exit 0 once all is there."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wire import die_with_parent  # noqa: E402

REQUIRED = 2
magnet, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
with tempfile.TemporaryDirectory(prefix="lab-transmission-") as name:
    home = Path(name)
    settings = {
        "encryption": REQUIRED, "peer-port": port, "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "rpc-enabled": False,
        "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False,
        "download-dir": str(folder), "incomplete-dir": str(home / "incomplete"), "incomplete-dir-enabled": True,
        "watch-dir": str(home / "watch"), "watch-dir-enabled": True, "start-added-torrents": True,
    }  # fmt: skip
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "watch").mkdir()
    (home / "watch" / "wanted.magnet").write_text(magnet)
    command = ["transmission-daemon", "-f", "-g", str(home), "-e", str(home / "log")]
    daemon = subprocess.Popen(command, preexec_fn=die_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + seconds
    done = False
    while not done and time.monotonic() < end:
        time.sleep(0.2)
        done = any(folder.iterdir())  # It moves there what is whole.
    time.sleep(1)  # for the move
    daemon.terminate()
    daemon.wait()
    if not done:
        print((home / "log").read_text()[-300:])
sys.exit(0 if done else 1)
