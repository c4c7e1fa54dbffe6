"""What the page that waits for a session shows, and how a start that fails says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tornado import web

from somahub.errors import SomahubError


@dataclass
class News:
    """The last step of a start, and a bell for whoever waits for the next."""

    step: dict[str, Any] = field(default_factory=dict)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, progress: float, message: str) -> None:
        """Show a step; ``progress`` is in per cent."""
        step = {"progress": int(progress), "message": message}
        if step == self.step:
            return
        self.step = step
        bell, self.bell = self.bell, asyncio.Event()
        bell.set()

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Each step from the present one on, as JupyterHub's waiting page shows it; without end."""
        while True:
            bell = self.bell
            if self.step:
                yield self.step
            await bell.wait()


def shown(error: SomahubError) -> web.HTTPError:
    """The error as JupyterHub shows it to the person: one line, and what helps."""
    line = f"{error}. {error.mend}" if error.mend else str(error)
    made = web.HTTPError(503, log_message=line.replace("%", "%%"))
    made.jupyterhub_message = line  # type: ignore[attr-defined]
    return made
