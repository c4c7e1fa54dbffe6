"""Processes, known by their number and the moment of their start, so that a reused number is nobody's."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this boot of this machine. ``start`` is the boot's name and the ticks since."""

    pid: int
    start: str

    @property
    def alive(self) -> bool:
        """Whether it runs still; one that is dead and not yet collected does not."""
        return self.start != "" and _start(self.pid) == self.start

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; False when it was gone already. Never reaches another process of the same number."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (ProcessLookupError, OSError):
            return False
        try:
            if not self.alive:
                return False
            signal.pidfd_send_signal(descriptor, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)


def find(pid: int) -> Process | None:
    """The process that has this number now."""
    start = _start(pid)
    return Process(pid, start) if start else None


def children(pid: int) -> list[int]:
    """The numbers of the processes that it started and that live."""
    found: list[int] = []
    try:
        for thread in os.scandir(f"/proc/{pid}/task"):
            found += map(int, Path(thread.path, "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended while we looked
    return found


def descendants(pid: int) -> list[int]:
    """The numbers of all processes below it, parents before children."""
    found = children(pid)
    for one in found:
        found += children(one)
    return found


def _start(pid: int) -> str:
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state in "ZX" else f"{_boot()}:{fields[18]}"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
