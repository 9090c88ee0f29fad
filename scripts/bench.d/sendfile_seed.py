"""What the kernel itself takes: a thread a connection, eight bytes in say how many bytes of FILE go out by sendfile, round and round."""

import os
import socket
import struct
import sys
import threading

AT_ONCE = 1 << 20


def serve(connection, file, length):
    with connection:
        left, at = struct.unpack(">Q", connection.recv(8, socket.MSG_WAITALL))[0], 0
        while left > 0:
            sent = os.sendfile(connection.fileno(), file, at, min(AT_ONCE, left, length - at))
            left, at = left - sent, (at + sent) % length


file = os.open(sys.argv[1], os.O_RDONLY)
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listening.accept()[0], file, os.fstat(file).st_size), daemon=True).start()
