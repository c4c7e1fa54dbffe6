"""Ending what is left of a session, whoever left it: its holder at the end, or the hub where the holder was killed."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from somahub.spawners.sandbox import keeper
from somahub.spawners.sandbox.processes import Process, find
from somahub.spawners.sandbox.records import Run, State

_DEADLINE = 10.0  # seconds; a killed process may be held a while by a slow disk


def clear(run: Run, session: str, state: State) -> None:
    """End all processes of a session, take its folders away, and remove all records but its state."""
    _end([process for process in (state.init, state.bwrap, state.pasta) if process])
    if state.phase == "starting":
        # Twice: while it was killed, one may have been making another that the first look just missed.
        for _ in range(2):
            _end(_unrecorded(run, session))
    keeper.clear(run, session)
    folder = run.session(session)
    shutil.rmtree(folder / "etc", ignore_errors=True)
    for name in ("pasta.pid", "pasta.log"):
        (folder / name).unlink(missing_ok=True)


def _unrecorded(run: Run, session: str) -> list[Process]:
    """Processes that a holder had started, and not yet written down when it was killed.

    bubblewrap's first process waits for ever where its parent was killed early. A running session cannot have any: all
    of them end with its first process.
    """
    marks = (f"SOMAHUB_SESSION={session}\0".encode(), f"{run.session(session)}/pasta.pid\0".encode())
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue  # another user's, or it ended while we looked
        if any(mark in words for mark in marks) and (process := find(int(folder.name))):
            found.append(process)
    return found


def forget(run: Run, session: str) -> None:
    """Remove a session's last records; call it when its end is in the ledger."""
    keeper.clear(run, session)
    shutil.rmtree(run.session(session), ignore_errors=True)


def _end(processes: list[Process]) -> None:
    for process in processes:
        process.send(signal.SIGKILL)
    deadline = time.monotonic() + _DEADLINE
    while any(process.alive for process in processes) and time.monotonic() < deadline:
        time.sleep(0.002)


def last_sign(folder: Path) -> float:
    """When a session was last known to live, in seconds since 1970; 0.0 when it never did."""
    try:
        return (folder / "state.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0
