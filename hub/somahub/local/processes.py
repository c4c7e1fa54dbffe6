"""Processes of this machine: who names what in their command line, and how they are ended. Standard library alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from somahub.spawners.sandbox.processes import Process, find

BEAT = 0.02


def recorded(said: Any) -> Process | None:
    """The process that a record (``{"pid": …, "start": …}``) means, while that very one runs."""
    pid, start = (said.get("pid"), said.get("start")) if isinstance(said, dict) else (None, None)
    if not isinstance(pid, int) or not isinstance(start, str) or not start:
        return None
    process = Process(pid, start)
    return process if process.alive else None


def words(pid: int) -> list[str]:
    """Its command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def naming(folder: Path) -> list[Process]:
    """The processes, this one left out, that have a path below ``folder`` as a word of their command line."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    there = [pid for pid in numbers if pid != os.getpid() and any(_below(folder, word) for word in words(pid))]
    return [process for pid in there if (process := find(pid))]


def _below(folder: Path, word: str) -> bool:
    """Whether a word is such a path, or an option with one; a script that only speaks of it is not."""
    path = word.partition("=")[2] if word.startswith("--") else word
    return path.startswith(f"{folder}/")


def ours(process: Process) -> bool:
    """Whether it runs as the same user as we do."""
    try:
        return Path(f"/proc/{process.pid}").stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def wait_until(done: Callable[[], bool], seconds: float, beat: float = BEAT) -> bool:
    """Look every ``beat`` seconds whether it is done, at most for ``seconds``; tells whether it was."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(beat)
    return True


def end(processes: Iterable[Process], seconds: float) -> None:
    """Ask processes to end, and end those that have not after ``seconds``."""
    every = list(processes)
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        left = [process for process in every if process.send(number)]
        wait_until(lambda left=left: not any(process.alive for process in left), patience)  # type: ignore[misc]
