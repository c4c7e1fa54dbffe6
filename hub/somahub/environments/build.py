"""The builder: a process of its own, so that a build outlives the hub that asked for it.

``python -m somahub.environments.build RECIPE CACHE`` builds the recipe's environment and prints
its path; started by the hub it is given the build lock as an open descriptor.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from uv import find_uv_bin

from somahub.environments import furnish
from somahub.environments.failures import Failure, disk_full, explain, stopped
from somahub.environments.places import Environment, try_lock
from somahub.environments.progress import Installer, Progress, Stage, compiled, count_entries, overall, write, written
from somahub.environments.recipes import PYTHON, Recipe, load
from somahub.errors import BuildError, SomahubError

# What a disk keeps free: the ledger and people's files may lie on the same one.
FLOOR = 1 << 30
BEAT = 0.5
# How much of an environment is downloaded; the rest is compiled here.
DOWNLOADED = 0.7


class Build:
    """One build of one environment; the caller holds the lock, as descriptor ``lock``."""

    def __init__(self, recipe: Recipe, environment: Environment, cache: Path, wheel: Path | None, lock: int) -> None:
        self.recipe = recipe
        self.environment = environment
        self.cache = cache.resolve()
        self.wheel = wheel.resolve() if wheel else None
        self.lock = lock
        self.fraction = 0.0

    def run(self) -> Path:
        """Build it, and return its folder; raises BuildError, leaving nothing half-built."""
        try:
            self.environment.log.unlink(missing_ok=True)
            self._sweep()
            self._install()
            self._finish()
        except OSError as error:
            if error.errno in (28, 122):  # ENOSPC, EDQUOT
                raise self._error(disk_full(str(self.cache))) from error
            raise self._error(
                Failure(f"{error.filename}: {error.strerror}", f"Check the rights of {self.cache}, then start it again")
            ) from error
        except SomahubError:
            raise
        except Exception as error:
            with self.environment.log.open("a") as log:
                traceback.print_exc(file=log)
            raise self._error(
                Failure(f"{error!r}", f"This is a fault of somahub's; {self.environment.log} has it")
            ) from error
        finally:
            if self.environment.partial.exists():
                shutil.rmtree(self.environment.partial, ignore_errors=True)
        self.tell("ready", 1.0, f"{self.recipe.title} is ready")
        return self.environment.folder

    def tell(self, stage: Stage, share: float, words: str) -> None:
        """Let waiters know; the fraction never falls."""
        self.fraction = max(self.fraction, overall(stage, share))
        write(self.environment.status, Progress(stage, round(self.fraction, 4), words), os.getpid())

    def stop(self, number: int, _frame: object) -> NoReturn:
        """End the build, as a signal's handler."""
        raise self._error(stopped(number))

    def _sweep(self) -> None:
        self.tell("starting", 0.0, f"Starting to build {self.recipe.title}")
        if self.environment.partial.exists():
            shutil.rmtree(self.environment.partial)

    def _install(self) -> None:
        partial, recipe = self.environment.partial, self.recipe
        self._uv(["venv", "--relocatable", "--no-project", "--python", str(PYTHON), str(partial)], Installer())
        into = ["pip", "install", "--python", str(partial / "bin/python"), "--no-deps"]
        pinned = [*into, "--require-hashes", "--requirements", str(recipe.lock_file), "--only-binary", ":all:"]
        for package in recipe.from_source:
            # What a source needs to be built comes from the same lock, hashes and all.
            pinned += ["--no-binary", package, "--build-constraints", str(recipe.lock_file)]
        heard = Installer()
        self._uv([*pinned, "--dry-run"], heard)
        self._uv([*pinned, "--compile-bytecode"], heard)
        if self.wheel is not None:
            self._uv([*into, "--no-index", "--compile-bytecode", str(self.wheel)], Installer(stage="finishing"))

    def _finish(self) -> None:
        self.tell("finishing", 0.0, "Finishing")
        partial = self.environment.partial
        furnish.furnish(self.recipe, partial)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        packages, size = furnish.installed(partial), furnish.size(partial)
        text = furnish.manifest(self.recipe, self.environment.digest, packages, now, size)
        (partial / furnish.MANIFEST).write_text(text)
        # On the disk before it has its name: a power cut must not leave empty files under it.
        os.sync()
        partial.rename(self.environment.folder)

    def _uv(self, words: list[str], heard: Installer) -> None:
        """Run uv to its end, telling progress; it dies with this process, and holds the lock as it does."""
        self._check_room()
        command = ["setpriv", "--pdeathsig", "KILL", find_uv_bin(), *words, "--system-certs"]
        ours = {"UV_CACHE_DIR": str(self.cache / "uv"), "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **ours},
            cwd=self.cache,
            pass_fds=[self.lock],
        )
        said: list[str] = []
        listener = threading.Thread(target=self._listen, args=(process, heard, said), daemon=True)
        listener.start()
        try:
            self._watch(process, heard)
        except BaseException:
            process.kill()
            process.wait()
            raise
        listener.join()
        if process.returncode:
            raise self._error(explain("".join(said), process.returncode, str(self.cache)))

    def _listen(self, process: subprocess.Popen[str], heard: Installer, said: list[str]) -> None:
        assert process.stdout is not None
        with self.environment.log.open("a") as log:
            for line in process.stdout:
                said.append(line)
                heard.hear(line)
                log.write(line)
                log.flush()

    def _watch(self, process: subprocess.Popen[str], heard: Installer) -> None:
        expected = self.recipe.size_gib * 2**30 * DOWNLOADED
        archive = self.cache / "uv" / "archive-v0"
        before = count_entries(archive)
        while True:
            try:
                process.wait(timeout=BEAT)
                return
            except subprocess.TimeoutExpired:
                pass
            self._check_room()
            share: Callable[[], float] = {
                "starting": lambda: written(process.pid) / expected,
                "compiling": lambda: _ratio(*compiled(self.environment.partial / "lib")),
            }.get(heard.stage, lambda: 0.0)
            stage: Stage = "downloading" if heard.stage == "starting" else heard.stage
            self.tell(stage, share(), heard.words(count_entries(archive) - before))

    def _check_room(self) -> None:
        if shutil.disk_usage(self.cache).free < FLOOR:
            raise self._error(disk_full(str(self.cache)))

    def _error(self, failure: Failure) -> BuildError:
        return BuildError(f"{self.recipe.title}'s environment could not be built: {failure.why}.", failure.mend)


def _ratio(done: int, of: int) -> float:
    return done / of if of else 0.0


def main() -> int:
    """Build what the command line asks for; the exit status is 0 when the environment is there."""
    words = argparse.ArgumentParser(prog="python -m somahub.environments.build", description=__doc__)
    words.add_argument("recipe", type=Path, help="the folder of the recipe")
    words.add_argument("cache", type=Path, help="the folder that holds environments and uv's cache")
    words.add_argument("--wheel", type=Path, help="a wheel to install on top, without its dependencies")
    words.add_argument("--lock", type=int, help="the open descriptor of the build lock, held by the caller")
    given = words.parse_args()
    recipe = load(given.recipe)
    environment = Environment.of(recipe, given.cache, given.wheel)
    lock = given.lock
    while lock is None and (lock := try_lock(environment)) is None:
        time.sleep(BEAT)
    if not environment.ready:
        build = Build(recipe, environment, given.cache, given.wheel, lock)
        signal.signal(signal.SIGTERM, build.stop)
        try:
            build.run()
        except SomahubError as error:
            write(environment.status, Progress("failed", 1.0, str(error), error.mend), os.getpid())
            print(f"{error} {error.mend}", file=sys.stderr)
            return 1
    print(environment.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
