"""Around every request: what its answer must say to a browser, how long it may be, and a line in the log."""

from __future__ import annotations

import logging
import time
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("somahub.service.access")

# Bytes: what is sent here is a profile and its hardware.
LONGEST_BODY: Final = 16 * 1024

# Nothing but our own files, no frame around us, nobody told where a reader came from.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # Other people's sessions are on the same host: no page of theirs keeps a hold of ours, or loads it as a part.
    "Cross-Origin-Opener-Policy": "noopener-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PROBES: Final = ("/alive", "/health")


class Guard:
    """ASGI middleware, outside of everything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begin, status, read = time.monotonic(), 0, 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if max(read, _said_length(scope)) > LONGEST_BODY:
                raise HTTPException(413)
            return message

        async def headed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, limited, headed)
        finally:
            _note(scope, status, time.monotonic() - begin)


def _said_length(scope: Scope) -> int:
    said = Headers(scope=scope).get("Content-Length", "0")
    return int(said) if said.isdigit() else 0


def _note(scope: Scope, status: int, seconds: float) -> None:
    # The path as it was sent, percent signs and all, so that it is one line; never what follows a question mark.
    path = scope["raw_path"].partition(b"?")[0].decode("ascii", "replace")
    level = logging.DEBUG if path.endswith(_PROBES) and status == 200 else logging.INFO
    log.log(level, "%s %s %d %.0f ms", scope["method"], path, status, seconds * 1000)
