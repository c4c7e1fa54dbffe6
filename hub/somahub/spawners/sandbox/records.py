"""What is written about a session on this machine, below ``<data>/run``; no secret is in it.

``sessions/<session>/spec.json`` says what to run, and is written once by the spawner. ``state.json`` says what runs,
and is written by the holder alone while it lives. Its time stamp is renewed every few seconds: the last sign of life.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from somahub.spawners.sandbox.processes import Process

Phase = Literal["starting", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A bucket's folder on the host and where it appears, relative to the session's buckets."""

    source: str
    path: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """What a holder needs to know. ``memory`` in bytes, ``started`` in seconds since 1970."""

    session: str
    person: str
    server: str
    port: int
    memory: int
    cores: tuple[int, ...]
    started: float
    bwrap: tuple[str, ...]
    command: tuple[str, ...]
    pasta: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    mounts: tuple[Mount, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What became of a session. ``ended`` in seconds since 1970; ``why`` is one line; ``code`` an exit status.

    ``notes`` are lines for the person, such as which program was ended because memory ran out.
    """

    phase: Phase
    holder: Process
    bwrap: Process | None = None
    init: Process | None = None
    pasta: Process | None = None
    ended: float = 0.0
    why: str = ""
    code: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of one machine's running things, ``<data>/run``."""

    folder: Path

    @property
    def folders(self) -> Path:
        """Where the keeper mounts buckets: ``folders/<session>/<path>``."""
        return self.folder / "folders"

    @property
    def stages(self) -> Path:
        """Where the keeper gives a mount its options before it shows it to anybody."""
        return self.folder / "stages"

    def session(self, name: str) -> Path:
        """The folder of a session's records."""
        return self.folder / "sessions" / name

    def sessions(self) -> list[str]:
        """The names of all sessions that have records."""
        try:
            return sorted(entry.name for entry in os.scandir(self.folder / "sessions"))
        except FileNotFoundError:
            return []


def write_spec(folder: Path, spec: Spec) -> None:
    """Write ``spec.json``, whole or not at all."""
    write(folder / "spec.json", asdict(spec))


def read_spec(folder: Path) -> Spec | None:
    """Read ``spec.json``; None where there is none."""
    raw = read(folder / "spec.json")
    if raw is None:
        return None
    raw["mounts"] = tuple(Mount(one["source"], one["path"], tuple(one["options"])) for one in raw["mounts"])
    raw["files"] = tuple((name, text) for name, text in raw["files"])
    for name in ("cores", "bwrap", "command", "pasta"):
        raw[name] = tuple(raw[name])
    return Spec(**raw)


def write_state(folder: Path, state: State) -> None:
    """Write ``state.json``, whole or not at all."""
    write(folder / "state.json", asdict(state))


def read_state(folder: Path) -> State | None:
    """Read ``state.json``; None where there is none yet."""
    raw = read(folder / "state.json")
    if raw is None:
        return None
    for name in ("holder", "bwrap", "init", "pasta"):
        raw[name] = Process(**raw[name]) if raw[name] else None
    return State(**raw | {"notes": tuple(raw["notes"])})


def write(file: Path, value: dict[str, Any]) -> None:
    """Write JSON for our own eyes, whole or not at all."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(value))
    beside.replace(file)


def read(file: Path) -> dict[str, Any] | None:
    """Read JSON; None where there is none, or a crash of the machine left it torn."""
    try:
        value = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None
