"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import somahub


def facts() -> list[tuple[str, str]]:
    """The machine and the programs that took part, as rows of a table."""
    processor = _find("/proc/cpuinfo", r"model name.*: (.*)") or platform.machine()
    memory = int(_find("/proc/meminfo", r"MemTotal:\s+(\d+)") or 0) / 2**20
    system = _find("/etc/os-release", r'PRETTY_NAME="(.*)"')
    return [
        ("processor", f"{os.cpu_count()} × {processor}"),
        ("memory", f"{memory:.0f} GiB"),
        ("system", f"{system}, Linux {platform.release()}"),
        ("Python", platform.python_version()),
        ("somahub", f"{somahub.__version__}, JupyterHub {version('jupyterhub')}"),
        ("display server", _says("Xvnc", "-version")),
        ("browser", f"{_says('chromium', '--version')}, without a window, 1440×900"),
    ]


def load() -> float:
    """How many processes ran or wanted to, on average over the last minute."""
    return os.getloadavg()[0]


def _find(file: str, pattern: str) -> str:
    found = re.search(pattern, Path(file).read_text())
    return found[1].strip() if found else ""


def _says(*command: str) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.strip() for line in (said.stdout + said.stderr).splitlines() if line.strip()]
    return lines[0].partition(" - ")[0] if lines else "?"
