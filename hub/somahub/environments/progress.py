"""How far a build is: what the installer says and writes, turned into a fraction and words."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Stage = Literal["starting", "downloading", "installing", "compiling", "finishing", "ready", "failed"]

# The part of the whole that each stage begins at, by the time that a first build of DeepLabCut took.
BEGIN: dict[Stage, float] = {
    "starting": 0.0,
    "downloading": 0.02,
    "installing": 0.60,
    "compiling": 0.65,
    "finishing": 0.98,
    "ready": 1.0,
    "failed": 1.0,
}
_NEXT: dict[Stage, Stage] = {
    "starting": "downloading",
    "downloading": "installing",
    "installing": "compiling",
    "compiling": "finishing",
    "finishing": "ready",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a build: ``fraction`` of the whole, 0 to 1, never falling, and ``words`` for people.

    A failed build has what went wrong in ``words`` and what helps in ``mend``.
    """

    stage: Stage
    fraction: float
    words: str
    mend: str = ""


def overall(stage: Stage, share: float) -> float:
    """The fraction of the whole when ``share`` (0 to 1) of ``stage`` is done."""
    begin = BEGIN[stage]
    end = BEGIN[_NEXT[stage]] if stage in _NEXT else begin
    return begin + (end - begin) * min(max(share, 0.0), 1.0)


def write(file: Path, progress: Progress, pid: int) -> None:
    """Put ``progress`` where waiters read it, whole or not at all."""
    beside = file.with_name(f"{file.name}.{pid}.new")
    beside.write_text(json.dumps({**asdict(progress), "pid": pid}))
    beside.replace(file)


def read(file: Path) -> tuple[Progress, int] | None:
    """The last progress written, and the builder's process ID; None where there is none."""
    try:
        said = json.loads(file.read_text())
        pid = int(said.pop("pid"))
        return Progress(**said), pid
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # A status that cannot be read says nothing; the lock and the folder say the rest.
        return None


@dataclass(slots=True)
class Installer:
    """What the installer (uv) has said so far, line by line."""

    wanted: int = 0
    fetching: int = 0
    stage: Stage = "starting"
    running: dict[str, str] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        """Take in one line of its output."""
        line = line.strip()
        if match := re.match(r"Would download (\d+) package", line):
            self.fetching = int(match[1])
        elif match := re.match(r"Resolved (\d+) package", line):
            self.wanted = int(match[1])
        elif match := re.match(r"Downloading (\S+) \(([0-9.]+)\s*([A-Za-z]+)\)", line):
            self.running[match[1]] = f"Downloading {match[1]} ({_round(match[2])} {match[3]})"
        elif match := re.match(r"Building (\S+)", line):
            self.running[match[1]] = f"Building {match[1].replace('==', ' ')}"
        elif match := re.match(r"(?:Downloaded|Built) (\S+)", line):
            self.running.pop(match[1], None)
        elif re.match(r"Prepared \d+ package", line):
            self.stage = "installing"
            self.running.clear()
        elif re.match(r"Installed \d+ package", line):
            self.stage = "compiling"
        elif line.startswith("Bytecode compiled"):
            self.stage = "finishing"

    def words(self, fetched: int) -> str:
        """What to show a person; ``fetched`` packages are in the cache by now."""
        if self.stage == "installing":
            return f"Installing {_packages(self.wanted)}"
        if self.stage == "compiling":
            return "Preparing Python files, so that the app opens faster"
        if self.stage in ("starting", "downloading"):
            now = max(self.running.values(), key=_bytes_in, default="Downloading")
            if not self.fetching:
                return f"Installing {_packages(self.wanted)}" if self.wanted else "Looking up packages"
            return f"{now} · {min(fetched, self.fetching)} of {_packages(self.fetching)}"
        return "Finishing"


def count_entries(folder: Path) -> int:
    """How many entries a folder has; none where it does not exist."""
    try:
        return sum(1 for _ in os.scandir(folder))
    except FileNotFoundError:
        return 0


def written(pid: int) -> int:
    """The bytes that a process has written so far; 0 where it is gone or may not be looked at."""
    try:
        words = Path(f"/proc/{pid}/io").read_text().split()
    except OSError:
        return 0
    return int(words[words.index("wchar:") + 1])


def compiled(site: Path) -> tuple[int, int]:
    """How many Python files below ``site`` are compiled by now, and how many there are."""
    done = there = 0
    for _, _, files in os.walk(site):
        done += sum(1 for name in files if name.endswith(".pyc"))
        there += sum(1 for name in files if name.endswith(".py"))
    return done, there


def _round(number: str) -> str:
    return f"{float(number):.0f}" if float(number) >= 10 else number


def _packages(count: int) -> str:
    return "1 package" if count == 1 else f"{count} packages"


def _bytes_in(words: str) -> float:
    match = re.search(r"\(([0-9.]+) ([KMG]?)i?B\)", words)
    return float(match[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[match[2]] if match else 0.0
