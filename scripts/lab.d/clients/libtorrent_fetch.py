"""Fetches a magnet with libtorrent, by its trackers alone: libtorrent_fetch.py MAGNET FOLDER SECONDS. Exit 0 once all is there."""

import sys
import time

import libtorrent

magnet, folder, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
session = libtorrent.session(
    {
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "listen_interfaces": "127.0.0.1:0",
    }
)
wanted = libtorrent.parse_magnet_uri(magnet)
wanted.save_path = folder
torrent = session.add_torrent(wanted)
end = time.monotonic() + seconds
while time.monotonic() < end:
    status = torrent.status()
    if status.is_seeding:
        session.pause()
        time.sleep(1)  # for its disk thread
        sys.exit(0)
    time.sleep(0.1)
print(f"{status.state}, {status.progress:.0%} with {status.num_peers} peers")
sys.exit(1)
