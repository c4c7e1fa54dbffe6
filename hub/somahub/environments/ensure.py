"""Ask for an environment and follow its build; the build itself runs in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from somahub.environments import progress
from somahub.environments.failures import stopped
from somahub.environments.places import Environment, is_locked, try_lock
from somahub.environments.progress import Progress
from somahub.environments.recipes import Recipe
from somahub.errors import BuildError

BEAT = 0.2

# What a build may know of the hub's environment: how to reach the registry, and no secret of the hub's.
_PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
_PASSED_FAMILIES = ("UV_",)


async def ensure(recipe: Recipe, cache: Path, wheel: Path | None = None) -> Path:
    """The folder of the recipe's environment, built first where it is absent.

    ``wheel`` is installed on top without its dependencies. Raises BuildError with one line.
    """
    async for _ in follow(recipe, cache, wheel):
        pass
    return Environment.of(recipe, cache, wheel).folder


async def follow(recipe: Recipe, cache: Path, wheel: Path | None = None) -> AsyncIterator[Progress]:
    """Every new moment of the environment's build, which is begun where nobody else began it.

    The last one is "ready". Raises BuildError with one line and a mend when the build fails.
    """
    environment = Environment.of(recipe, cache, wheel)
    begin(recipe, environment, cache, wheel)
    last: Progress | None = None
    while not environment.ready:
        building = is_locked(environment)
        said = progress.read(environment.status)
        now = said[0] if said else Progress("starting", 0.0, f"Starting to build {recipe.title}")
        if not building and not environment.ready:
            _raise(recipe, now)
        if now != last and now.stage not in ("failed", "ready"):
            yield now
            last = now
        await asyncio.sleep(BEAT)
    yield Progress("ready", 1.0, f"{recipe.title} is ready")


def begin(recipe: Recipe, environment: Environment, cache: Path, wheel: Path | None = None) -> bool:
    """Start a builder unless the environment is there or being built; tells whether one was started."""
    if environment.ready:
        return False
    lock = try_lock(environment)
    if lock is None:
        return False
    try:
        if environment.ready:
            return False
        first = Progress("starting", 0.0, f"Starting to build {recipe.title}")
        progress.write(environment.status, first, os.getpid())
        command = [sys.executable, "-m", "somahub.environments.build", str(recipe.folder), str(cache)]
        command += ["--lock", str(lock), *(["--wheel", str(wheel)] if wheel else [])]
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[lock],
            env=_environment(),
            start_new_session=True,
        )
        return True
    finally:
        os.close(lock)


def halt(cache: Path) -> list[str]:
    """End every build that runs below ``cache``; the names of what was being built."""
    ended = []
    for status in sorted((cache / "environments").glob("*.json")):
        app, _, version = status.stem.rpartition("-")
        environment = Environment(app, version, status.with_suffix(""))
        said = progress.read(status)
        if said and is_locked(environment):
            os.kill(said[1], signal.SIGTERM)
            ended.append(app)
    return ended


def _raise(recipe: Recipe, last: Progress) -> None:
    if last.stage == "failed":
        raise BuildError(last.words, last.mend)
    failure = stopped(signal.SIGKILL)
    raise BuildError(f"{recipe.title}'s environment could not be built: {failure.why}.", failure.mend)


def _environment() -> dict[str, str]:
    def passed(name: str) -> bool:
        return name in _PASSED or name.startswith(_PASSED_FAMILIES) or name.lower().endswith("_proxy")

    return {name: value for name, value in os.environ.items() if passed(name)}
