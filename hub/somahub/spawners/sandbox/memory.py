"""How much memory a sandbox holds, read from outside."""

from __future__ import annotations

import os
from pathlib import Path

from somahub.spawners.sandbox.limits import Weight
from somahub.spawners.sandbox.processes import children, descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SCRATCH = ("tmp", "dev/shm", "run")


def scratch(init: int) -> int:
    """Bytes in the folders in memory of the sandbox whose first process is ``init``."""
    used = 0
    for folder in _SCRATCH:
        try:
            there = os.statvfs(f"/proc/{init}/root/{folder}")
        except OSError:
            continue  # the sandbox is ending
        used += (there.f_blocks - there.f_bfree) * there.f_frsize
    return used


def resident(init: int) -> int:
    """Bytes resident in all its processes; pages that several share are counted by each, so never too little."""
    return sum(_resident(pid) for pid in descendants(init))


def weights(init: int) -> list[Weight]:
    """Each process with its fair share of memory. Slower than :func:`resident`: a walk of all its pages."""
    vital = {init, *children(init)}
    return [Weight(pid, _name(pid), _proportional(pid), pid in vital) for pid in descendants(init)]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # it ended while we looked
    return 0


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "a program"
