"""A network namespace without a name: it lives as long as this process holds its descriptor, so nothing is left behind."""

import contextlib
import ctypes
import os

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A new, empty network namespace."""

    def __init__(self):
        with _returning():
            _check(_libc.unshare(CLONE_NEWNET), "unshare")
            self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def enter(self):
        """Moves the calling thread into it for good: for a child between fork and exec."""
        _check(_libc.setns(self.descriptor, CLONE_NEWNET), "setns")

    @contextlib.contextmanager
    def entered(self):
        """Has the calling thread in it for a while."""
        with _returning():
            self.enter()
            yield


@contextlib.contextmanager
def _returning():
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        yield
    finally:
        _check(_libc.setns(outside, CLONE_NEWNET), "setns")
        os.close(outside)


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
