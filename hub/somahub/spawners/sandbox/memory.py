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
    """Bytes that all its processes hold; pages that several share are counted by each, so never too little."""
    return sum(_resident(pid) + sum(_files(pid).values()) for pid in descendants(init))


def weights(init: int) -> list[Weight]:
    """Each process with its fair share of memory. Slower than :func:`resident`: a walk of all its pages."""
    vital = {init, *children(init)}
    seen: set[tuple[int, int]] = set()
    found = []
    for pid in descendants(init):
        files = _files(pid)
        once = sum(size for file, size in files.items() if file not in seen)
        seen |= files.keys()
        found.append(Weight(pid, _name(pid), _proportional(pid) + once, pid in vital))
    return found


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


def _files(pid: int) -> dict[tuple[int, int], int]:
    """Bytes in the nameless files in memory that a process has open, by device and inode.

    They lie in no folder, and what is written into one without mapping it is resident in no process: not counted here,
    a session could fill the machine's memory, and the kernel would end everybody else's programs for it.
    """
    found = {}
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if str(entry.readlink()).startswith("/memfd:"):
                there = entry.stat()
                found[there.st_dev, there.st_ino] = there.st_blocks * 512
    except OSError:
        pass  # it ended, or closed one, while we looked
    return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "a program"
