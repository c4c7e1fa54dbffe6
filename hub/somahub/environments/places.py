"""Where an environment lies, and the lock that says that somebody builds it."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from somahub.environments.recipes import Recipe, digest

# A struct flock: an exclusive lock of the whole file.
_WHOLE_FILE = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that exists or may be built. ``folder`` appears whole, by one rename."""

    app: str
    digest: str
    folder: Path

    @classmethod
    def of(cls, recipe: Recipe, cache: Path, wheel: Path | None = None) -> Environment:
        """The environment of ``recipe`` below ``cache``, with ``wheel`` installed on top where given."""
        version = digest(recipe, wheel)
        return cls(recipe.name, version, cache.resolve() / "environments" / f"{recipe.name}-{version}")

    @property
    def ready(self) -> bool:
        """Whether it is built."""
        return self.folder.is_dir()

    @property
    def partial(self) -> Path:
        """The half-built folder; only who holds the lock touches it."""
        return self.folder.with_name(self.folder.name + ".partial")

    @property
    def lock(self) -> Path:
        """Locked by the builder, and by the installer that it runs, as long as they live."""
        return self.folder.with_name(self.folder.name + ".lock")

    @property
    def status(self) -> Path:
        """How far the build is, as JSON."""
        return self.folder.with_name(self.folder.name + ".json")

    @property
    def log(self) -> Path:
        """All that the last build's installer said."""
        return self.folder.with_name(self.folder.name + ".log")


def try_lock(environment: Environment) -> int | None:
    """The descriptor of the build lock, now held; None where somebody else holds it.

    The lock belongs to the open file, so a process that inherits the descriptor keeps it held.
    """
    descriptor = _open(environment)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(environment: Environment) -> bool:
    """Whether somebody builds it now. Asks without taking the lock, so that asking disturbs nobody."""
    descriptor = _open(environment)
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
        kind: int = struct.unpack_from("h", answer)[0]
        return kind != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def _open(environment: Environment) -> int:
    environment.lock.parent.mkdir(parents=True, exist_ok=True)
    return os.open(environment.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
