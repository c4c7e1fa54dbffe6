"""Environments that no recipe names any more, and their removal."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from somahub.environments.furnish import size
from somahub.environments.places import Environment, try_lock
from somahub.errors import BuildError


@dataclass(frozen=True, slots=True)
class Leftover:
    """An environment that no recipe names. ``in_use``: a running session still sees it."""

    environment: Environment
    size: int
    in_use: bool


def leftovers(cache: Path, named: set[str]) -> list[Leftover]:
    """Every environment below ``cache`` whose folder's name is not among ``named``; sizes in bytes."""
    found = []
    for folder in sorted((cache / "environments").glob("*-????????????")):
        app, _, version = folder.name.rpartition("-")
        if folder.is_dir() and folder.name not in named:
            found.append(Leftover(Environment(app, version, folder), size(folder), in_use(folder)))
    return found


def remove(environment: Environment) -> None:
    """Remove an environment; raises BuildError where a session uses it or a build is under way."""
    if in_use(environment.folder):
        raise BuildError(f"{environment.folder} is in use by a running session.", "Stop the session first")
    lock = try_lock(environment)
    if lock is None:
        raise BuildError(f"{environment.folder} is being built now.", "Wait until the build has ended")
    try:
        if environment.ready:
            # Renamed first: whoever asks meanwhile finds it absent, not half.
            environment.folder.rename(environment.partial)
        shutil.rmtree(environment.partial, ignore_errors=True)
        environment.status.unlink(missing_ok=True)
        environment.log.unlink(missing_ok=True)
    finally:
        os.close(lock)


def in_use(folder: Path) -> bool:
    """Whether a process of ours has the folder mounted, as every session's sandbox has its app's."""
    root = f"/environments/{folder.name}"
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            lines = mounts.read_text().splitlines()
        except OSError:
            continue
        if any(line.split()[3].endswith(root) for line in lines):
            return True
    return False
