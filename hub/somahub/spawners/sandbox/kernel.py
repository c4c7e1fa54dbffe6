"""System calls that Python 3.11 does not have."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace: str) -> None:
    """Move this thread into the namespace at a path such as ``/proc/1/ns/mnt``; raises OSError."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.setns(descriptor, 0), namespace)
    finally:
        os.close(descriptor)


def leave(flags: int) -> None:
    """Give this process new namespaces (``CLONE_NEW…``); raises OSError."""
    _checked(_libc.unshare(flags), "unshare")


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
