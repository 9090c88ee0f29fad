"""Fetches a magnet with libtorrent, by its trackers alone. Exit 0 once all is there.

libtorrent_fetch.py MAGNET FOLDER SECONDS default|rc4|handshake: encryption as libtorrent has it, forced throughout, or forced for
the handshake alone.
"""

import sys
import time

import libtorrent

magnet, folder, seconds, encryption = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
FORCED, PLAINTEXT, RC4 = 0, 1, 2
forced = {"out_enc_policy": FORCED, "in_enc_policy": FORCED, "enable_outgoing_utp": False, "enable_incoming_utp": False}
policies = {
    "default": {},
    "rc4": {**forced, "allowed_enc_level": RC4},
    "handshake": {**forced, "allowed_enc_level": PLAINTEXT},
}
session = libtorrent.session(
    {
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "listen_interfaces": "127.0.0.1:0",
        **policies[encryption],
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
