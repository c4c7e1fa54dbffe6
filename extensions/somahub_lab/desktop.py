"""The desktop's two edges to the browser: what state it is in, and its pixels over a websocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

CHUNK = 256 * 1024
TRY_AGAIN = 1013


@dataclass(frozen=True, slots=True)
class Desktop:
    """What ``somahub-desktop`` says: absent, starting, up or failed; how often it started; why it failed."""

    state: str
    starts: int
    line: str


def read(runtime: Path) -> Desktop:
    """The desktop's state; ``absent`` where this session's image has no VNC server."""
    try:
        said = json.loads((runtime / "somahub" / "desktop.json").read_text())
        return Desktop(said["state"], said["starts"], said["line"])
    except (OSError, ValueError, KeyError):
        return Desktop("absent", 0, "")


def as_json(desktop: Desktop) -> dict[str, Any]:
    """For the page."""
    return asdict(desktop)


class Screen(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Carries RFB between the browser and the desktop's socket, each way no faster than its reader reads.

    The stream is not counted as the person's activity: a blinking cursor is not work.
    """

    _writer: asyncio.StreamWriter | None = None

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Upgrade to a websocket, for whoever the hub lets in."""
        await super().get(*args, **kwargs)

    def initialize(self, socket: Path) -> None:
        """``socket``: where the VNC server listens."""
        self._socket = socket

    async def open(self, *args: Any, **kwargs: Any) -> None:
        """Join the two; the browser tries again by itself while there is no desktop yet."""
        super().open(*args, **kwargs)
        try:
            reader, self._writer = await asyncio.open_unix_connection(str(self._socket), limit=CHUNK)
        except OSError:
            self.close(TRY_AGAIN, "the desktop is not up")
            return
        self.set_nodelay(True)
        self._pump = asyncio.create_task(self._to_browser(reader))

    async def _to_browser(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, WebSocketClosedError):
            while pixels := await reader.read(CHUNK):
                await self.write_message(pixels, binary=True)
        self.close(TRY_AGAIN, "the desktop ended")

    async def on_message(self, message: str | bytes) -> None:
        """Keys, pointer and clipboard of the browser."""
        if self._writer is not None and isinstance(message, bytes):
            self._writer.write(message)
            with contextlib.suppress(OSError):
                await self._writer.drain()

    def on_close(self) -> None:
        """The browser left; the desktop and its windows stay."""
        super().on_close()
        if self._writer is not None:
            self._writer.close()
