"""Seconds that `make up` takes: with nothing there, and again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.somahub_under_test import Somahub, free_ports


@contextmanager
def newcomer(folder: Path) -> Iterator[Somahub]:
    """A somahub that has never been up: no data, nothing built, no package kept."""
    folder.mkdir(mode=0o700)
    port, hub_port, proxy_port = free_ports(3)
    elsewhere = {"SOMAHUB_CACHE": str(folder / "cache"), "HOME": str(folder)}
    fresh = Somahub(folder / "data", port, hub_port, proxy_port, elsewhere)
    try:
        yield fresh
    finally:
        fresh.boot("down")


def cold_and_warm(folder: Path, times: int) -> tuple[float, list[float]]:
    """The first start, and later ones after `make down`."""
    with newcomer(folder) as fresh:
        first = _timed(fresh)
        again = []
        for _ in range(times):
            fresh.down()
            again.append(_timed(fresh))
    return first, again


def _timed(somahub: Somahub) -> float:
    os.sync()
    began = time.monotonic()
    somahub.up()
    return time.monotonic() - began
