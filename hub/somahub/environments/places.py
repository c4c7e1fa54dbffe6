"""Where an environment lies, and the lock that says that somebody builds it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from somahub.environments.recipes import Recipe, digest


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
    environment.lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(environment.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(environment: Environment) -> bool:
    """Whether somebody builds it now."""
    descriptor = try_lock(environment)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
