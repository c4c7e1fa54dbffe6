"""Whether the app's own window is still on its way: large apps take ten seconds until they show anything."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from somahub.model import APPS

# Seconds after which an app that shows nothing is not waited for: it failed, or has no window.
LONGEST = 90.0
_PANEL = 1  # the panel is a window too


@dataclass
class Opening:
    """What opens with the desktop of a session of ``app``; asked by the desktop's page until it is there."""

    app: str
    _since: float = field(default_factory=time.monotonic)
    _over: bool = False

    async def title(self) -> str:
        """The title of the program that is opening; empty when it is there, or none is to come."""
        if self._over:
            return ""
        title = first_program(Path(APPS, self.app, "share/applications"))
        self._over = not title or time.monotonic() - self._since > LONGEST or await _windows() > _PANEL
        return "" if self._over else title


def first_program(entries: Path) -> str:
    """The name of the first desktop entry that opens at start; empty where none does."""
    for entry in sorted(entries.glob("somahub-*.desktop")):
        said = dict(line.split("=", 1) for line in entry.read_text().splitlines() if "=" in line)
        if said.get("X-Somahub-OpensAtStart") == "true":
            return said.get("Name", "")
    return ""


async def _windows() -> int:
    """How many windows the window manager knows."""
    asked = await asyncio.create_subprocess_exec(
        *("xprop", "-root", "_NET_CLIENT_LIST"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await asked.communicate()
    return said.count(b"0x")
