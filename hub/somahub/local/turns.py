"""One at a time. Standard library alone: the set-up needs it before anything is installed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from somahub.local import console

STARTING = "somahub is being started or stopped by somebody else; waiting for them"


@contextmanager
def alone(folder: Path, waiting: str) -> Iterator[None]:
    """Hold ``folder``; who comes second says ``waiting`` and waits. A folder, not a file: nothing is left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say(f"  {waiting} …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
