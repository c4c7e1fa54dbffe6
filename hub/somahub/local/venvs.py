"""The hub's virtual environments, made whole or not at all, by the hub's user and from hashed locks alone.

Two layers: ``base-<digest>`` holds what a lock names and takes a minute; ``<digest>`` on top of it holds somahub itself
and takes two seconds, so a change of the code costs no more. ``current`` is a link to the one in use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import console, processes, trees
from somahub.local.layout import Layout
from somahub.local.runner import Runner

PYTHON = Path("/usr/bin/python3")
# Raise it when the same sources are installed differently.
BUILDER = "1"

PRODUCT = (
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "requirements/system.txt",
    "hub",
    "extensions",
    "images",
    "spawner_profiles",
)
FRONTEND = "extensions/frontend"

_WRITE = 'mkdir -p "${1%/*}" && cat >"$1.new" && mv -f "$1.new" "$1"'
_LINK = 'ln -sfn "$1" "$2.new" && mv -fT "$2.new" "$2"'
_PATH = "import site; site.addsitedir({base!r})\n"


@dataclass(frozen=True, slots=True)
class Venvs:
    """Builds below ``layout.cache`` from the checkout ``clone``; whoever calls holds the cache's lock."""

    clone: Path
    layout: Layout
    runner: Runner

    def hub(self) -> Path:
        """The environment that the hub runs from, now in use under the name ``current``."""
        code = self.code("hub")
        if not self.layout.venv.is_symlink() or self.layout.venv.readlink() != Path(code.name):
            self._do(
                "could not take the new environment into use", "sh", "-c", _LINK, "sh", code.name, self.layout.venv
            )
        self._prune(code)
        return code

    def code(self, lock: str) -> Path:
        """somahub, installed from a wheel of this checkout, on top of what ``requirements/<lock>.txt`` names."""
        base = self._base(lock)
        version = trees.digest(self.clone, PRODUCT, BUILDER, base.name)
        place = self.layout.cache / lock / version
        if not place.is_dir():
            static = self._frontend(base)
            with console.step("building somahub"):
                self._install(base, static, place)
        return place

    def _uv(self) -> Path:
        """uv itself, brought by pip from its own lock."""
        lock = (self.clone / "requirements/uv.txt").read_bytes()
        place = self.layout.cache / "tools" / f"uv-{_digest(lock)}"
        if not place.is_dir():
            with console.step("fetching the installer"):
                partial = self._partial(place)
                self._do("Python could not make a virtual environment", PYTHON, "-m", "venv", partial)
                self._write(partial / "uv.txt", lock)
                words = ["install", "-q", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
                self._do(
                    "the installer could not be fetched",
                    partial / "bin/python",
                    "-m",
                    "pip",
                    *words,
                    "-r",
                    partial / "uv.txt",
                )
                self._finish(partial, place)
        return place / "bin/uv"

    def _base(self, lock: str) -> Path:
        """What a lock names, compiled, with nothing of ours."""
        pinned = (self.clone / f"requirements/{lock}.txt").read_bytes()
        place = self.layout.cache / lock / f"base-{_digest(pinned)}"
        if not place.is_dir():
            uv = self._uv()
            with console.step(f"installing {pinned.count(b'==')} Python packages"):
                partial = self._partial(place)
                self._do("Python could not make a virtual environment", uv, "venv", "-q", *_VENV, partial)
                self._write(partial / "lock.txt", pinned)
                words = [
                    "pip",
                    "install",
                    "-q",
                    "--python",
                    str(partial / "bin/python"),
                    "--no-deps",
                    "--require-hashes",
                ]
                # Only wheels: what is fetched runs nothing while it is installed.
                words += ["--only-binary", ":all:", "--compile-bytecode", "-r", str(partial / "lock.txt")]
                self._do("the Python packages could not be installed", uv, *words)
                self._finish(partial, place)
        return place

    def _frontend(self, base: Path) -> Path:
        """The pages of a session as browsers load them, built from extensions/frontend by the lock's own node."""
        place = self.layout.cache / "frontend" / trees.digest(self.clone, [FRONTEND], BUILDER)
        if not place.is_dir():
            with console.step("building the pages of a session"):
                partial = self._partial(place)
                self._copy([FRONTEND], partial)
                npm: tuple[str | Path, ...] = (base / "bin/npm", "--prefix", partial / FRONTEND)
                more = {
                    "npm_config_cache": str(self.layout.cache / "npm"),
                    "PATH": _path(base, self.runner.environment),
                }
                # npm's own scripts of packages stay asleep: none is needed.
                why = "the pages' packages could not be installed"
                self._do(why, *npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", extra=more)
                self._do("the pages could not be built", *npm, "run", "build", extra=more)
                self._do("the pages could not be kept", "rm", "-rf", partial / FRONTEND / "node_modules")
                self._finish(partial, place)
        return place / trees.BUILT

    def _install(self, base: Path, static: Path, place: Path) -> None:
        partial = self._partial(place)
        tree = partial / "tree"
        self._do("Python could not make a virtual environment", self._uv(), "venv", "-q", *_VENV, partial)
        self._copy(PRODUCT, tree)
        self._do("the pages could not be copied", "cp", "-rT", static, tree / trees.BUILT)
        # The doctor of an installed somahub knows the packages too.
        listed = (tree / "requirements/system.txt", tree / "hub/somahub/_system.txt")
        self._do("the list of packages could not be copied", "cp", *listed)
        self._do("somahub could not be built", base / "bin/hatchling", "build", "-t", "wheel", "-d", partial, cwd=tree)
        library = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
        self._write(partial / library / "base.pth", _PATH.format(base=str(base / library)).encode())
        words = ["pip", "install", "-q", "--python", str(partial / "bin/python"), "--no-deps", "--compile-bytecode"]
        made = self._do("somahub could not be built", "sh", "-c", 'ls "$1"/*.whl', "sh", partial)
        self._do("somahub could not be installed", self._uv(), *words, "--no-index", made.strip())
        self._do("the build could not be tidied", "rm", "-rf", tree)
        self._finish(partial, place)

    def tree(self, names: tuple[str, ...], place: Path) -> Path:
        """A copy of the checkout at ``place`` that the hub's user may read and write, made anew, the pages built."""
        self._do("an old copy could not be removed", "rm", "-rf", place)
        self._copy(names, place)
        self._do("the pages could not be copied", "cp", "-rT", self._frontend(self._base("dev")), place / trees.BUILT)
        return place

    def _copy(self, names: tuple[str, ...] | list[str], into: Path) -> None:
        """Copy parts of the checkout, which the hub's user need not be able to read."""
        self._do("a folder could not be made", "mkdir", "-p", into)
        self._do("the sources could not be copied", "tar", "-x", "-C", into, given=trees.packed(self.clone, names))

    def _partial(self, place: Path) -> Path:
        partial = place.with_name(f"{place.name}.partial")
        self._do("a half-made folder could not be removed", "rm", "-rf", partial)
        self._do("a folder could not be made", "mkdir", "-p", place.parent)
        return partial

    def _finish(self, partial: Path, place: Path) -> None:
        """Give a folder its name once all of it is on the disk."""
        os.sync()
        self._do("a new folder could not be taken into use", "mv", "-T", partial, place)

    def _write(self, file: Path, text: bytes) -> None:
        self._do(f"{file} could not be written", "sh", "-c", _WRITE, "sh", file, given=text)

    def _prune(self, code: Path) -> None:
        """Remove older environments that no running process was started from."""
        keep = {code.name, code_base(code)}
        for old in sorted(code.parent.iterdir()):
            if old.is_symlink() or not old.is_dir() or old.name in keep or _holds_up(old):
                continue
            if not processes.naming(old):
                self._do("an old environment could not be removed", "rm", "-rf", old)

    def _do(
        self,
        why: str,
        *command: str | Path,
        given: bytes | None = None,
        cwd: Path = Path("/"),
        extra: Mapping[str, str] | None = None,
    ) -> str:
        """Run one command of a build; raises SetupError with what it said, as one line."""
        done = self.runner.run(command, given=given, cwd=cwd, extra=extra)
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise SetupError(f"{why}: {reason(said, done.returncode)}", mend(said, self.layout.cache))
        return said


_VENV = ("--relocatable", "--no-project", "--python", str(PYTHON))


def code_base(code: Path) -> str:
    """The name of the base that an environment stands on."""
    for pth in code.glob("lib/python3*/site-packages/base.pth"):
        return next((part for part in pth.read_text().split("/") if part.startswith("base-")), "")
    return ""


def _holds_up(base: Path) -> bool:
    """Whether an environment that is there stands on this base."""
    return base.name.startswith("base-") and any(code_base(code) == base.name for code in base.parent.iterdir())


def _path(base: Path, environment: Mapping[str, str]) -> str:
    return f"{base / 'bin'}:{environment['PATH']}"


def _digest(lock: bytes) -> str:
    said = f"{BUILDER}\0{sys.version_info[:2]}\0{os.uname().machine}\0".encode()
    return hashlib.sha256(said + lock).hexdigest()[:12]


def reason(said: str, status: int) -> str:
    """What a failed command said, as one line: its error if it names one, else its last words."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    named = [n for n, line in enumerate(lines) if line.lower().startswith(("error", "× ", "npm error"))]
    if named:
        return " ".join(lines[named[0] : named[0] + 3])[:400]
    return lines[-1][:400] if lines else f"it ended with status {status}"


def mend(said: str, cache: Path) -> str:
    """What helps against a failed build, as far as its words tell."""
    low = said.lower()
    if "no space left" in low or "quota" in low or shutil.disk_usage(cache).free < 1 << 28:
        return f"free some space on the disk of {cache}, then run make up again: it goes on where it stopped"
    if any(
        word in low
        for word in ("resolve host", "dns error", "name resolution", "connection", "timed out", "certificate")
    ):
        return (
            "check that this machine reaches its package registry, then run make up again: it goes on where it stopped"
        )
    return "run make up again: it goes on where it stopped"
