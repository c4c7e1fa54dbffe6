"""The desktop's two edges to the browser: what state it is in, and its pixels over a websocket."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from somahub_lab.hub import Guarded

CHUNK = 256 * 1024  # bytes
PATIENCE, BEAT = 5.0, 0.02  # seconds
TRY_AGAIN = 1013  # the websocket's closing code for it
KEY, POINTER = 4, 5  # RFB's message types


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


class Screen(Guarded, WebSocketHandler):
    """Carries RFB between the browser and the desktop's socket, each way no faster than its reader reads.

    Only keys and the pointer count as the person's activity: a blinking cursor is not work.
    """

    _writer: asyncio.StreamWriter | None = None

    def initialize(self, socket: Path, touch: Callable[[], None]) -> None:
        """``socket``: where the VNC server listens. ``touch`` notes activity."""
        self._socket = socket
        self._touch = touch

    async def prepare(self) -> None:
        """As for a page, and the page's own token: no other page of this site can open somebody's desktop."""
        await super().prepare()
        if not hmac.compare_digest(self.get_query_argument("_xsrf", "").encode(), self.xsrf_token):
            raise HTTPError(403)

    async def open(self, *args: str, **kwargs: str) -> None:
        """Join the two; the browser tries again by itself while there is no desktop yet."""
        try:
            reader, self._writer = await self._connect()
        except OSError:
            self.close(TRY_AGAIN, "the desktop is not up")
            return
        self.set_nodelay(True)
        self._pump = asyncio.create_task(self._to_browser(reader))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Wait for a desktop that is just starting, as it is when the session is: the browser was quicker."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return await asyncio.open_unix_connection(str(self._socket), limit=CHUNK)
            except OSError:
                if asyncio.get_running_loop().time() > deadline or read(self._socket.parent).state != "starting":
                    raise
                await asyncio.sleep(BEAT)

    async def _to_browser(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, WebSocketClosedError):
            while pixels := await reader.read(CHUNK):
                await self.write_message(pixels, binary=True)
        self.close(TRY_AGAIN, "the desktop ended")

    async def on_message(self, message: str | bytes) -> None:
        """Keys, pointer and clipboard of the browser."""
        if self._writer is None or not isinstance(message, bytes) or not message:
            return
        if message[0] in (KEY, POINTER):
            self._touch()
        self._writer.write(message)
        with contextlib.suppress(OSError):
            await self._writer.drain()

    def on_close(self) -> None:
        """The browser left; the desktop and its windows stay."""
        if self._writer is not None:
            self._writer.close()
