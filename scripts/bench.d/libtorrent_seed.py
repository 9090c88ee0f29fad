"""Seeds torrents with libtorrent: libtorrent_seed.py SETTINGS FOLDER TORRENT…; prints its version and port, and seeds until it is ended."""

import sys
import time

import libtorrent

preset, folder, torrents = sys.argv[1], sys.argv[2], sys.argv[3:]
settings = libtorrent.high_performance_seed() if preset == "high_performance_seed" else {}
settings.update(
    {
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "listen_interfaces": "127.0.0.1:0",
        "allow_multiple_connections_per_ip": True,
    }
)
session = libtorrent.session(settings)
for torrent in torrents:
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = folder
    parameters.flags |= libtorrent.torrent_flags.seed_mode
    session.add_torrent(parameters)
while session.listen_port() == 0:
    time.sleep(0.1)
print(libtorrent.version, session.listen_port(), flush=True)
while True:
    time.sleep(3600)
