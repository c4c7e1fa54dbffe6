"""A session's own pages: the landing page, the desktop, and what their scripts ask the server."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tornado.httputil import url_concat
from tornado.web import RequestHandler, StaticFileHandler

from somahub_lab import desktop, stop
from somahub_lab.hub import HEADERS, Callback, Guarded
from somahub_lab.opening import Opening
from somahub_lab.session import Session

HERE = Path(__file__).parent
STATIC = HERE / "static"
FOREVER = 365 * 24 * 3600  # seconds


class Page(Guarded):
    """A page of the session."""

    sends_to_log_in = True

    def initialize(self, session: Session, template: str, touch: Callable[[], None]) -> None:
        """``template``: the file under templates/ that this address shows."""
        self._session = session
        self._template = template
        self._touch = touch

    def set_default_headers(self) -> None:
        """JupyterHub's policy, and nothing from elsewhere: no inline script, no other host."""
        super().set_default_headers()
        policy = f"{HEADERS['Content-Security-Policy']}; default-src 'self'; img-src 'self' data: blob:"
        self.set_header("Content-Security-Policy", f"{policy}; object-src 'none'; base-uri 'none'")
        self.set_header("Cache-Control", "no-store")

    async def get(self) -> None:
        """Show the page."""
        self._touch()
        session, now = self._session, datetime.now(UTC)
        facts = {
            "base": session.base,
            "hub": session.hub,
            "xsrf": self.xsrf_token.decode(),
            "usdPerHour": float(session.usd_per_hour),
            "started": session.started.timestamp(),
            "now": now.timestamp(),
        }
        await self.render(
            self._template,
            session=session,
            desktop=desktop.read(session.runtime),
            buckets=session.buckets(),
            cost=session.cost(now),
            facts=json.dumps(facts).replace("<", "\\u003c"),
        )


class Login(Guarded):
    """Where Jupyter sends somebody who is not logged in: through the hub's login, and back."""

    sends_to_log_in = True

    def initialize(self, base: str) -> None:
        """``base``: the session's own prefix; nobody is sent on to anywhere else."""
        self._base = base

    async def get(self) -> None:
        """Go on to ``next``."""
        onward = self.get_query_argument("next", self._base)
        self.redirect(onward if onward.startswith(self._base) else self._base)


class Home(RequestHandler):
    """The session's bare address, where the hub sends the browser: on to what the profile opens."""

    def initialize(self, target: str) -> None:
        """``target``: a page of this session, which asks for the login itself."""
        self._target = target

    def set_default_headers(self) -> None:
        """As everywhere in a session."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    async def get(self) -> None:
        """Also the hub's question whether the session answers yet."""
        self.redirect(self._target)


class Status(Guarded):
    """How the desktop is: asked by its page when the picture stops coming, and while the app's window is to come."""

    def initialize(self, session: Session, opening: Opening) -> None:
        """``session``: whose desktop. ``opening``: what opens on it."""
        self._session = session
        self._opening = opening

    async def get(self) -> None:
        """Answer with the desktop's state as JSON."""
        state = desktop.read(self._session.runtime)
        opening = await self._opening.title() if state.state == "up" else ""
        self.set_header("Cache-Control", "no-store")
        self.finish({**asdict(state), "opening": opening})


class Stop(Guarded):
    """Ends the session, at the person's word."""

    def initialize(self, end: asyncio.Event) -> None:
        """``end``: set when this process was told to end."""
        self._end = end

    async def post(self) -> None:
        """Ask the hub to stop this server; 502 with one clear line where it does not."""
        asked, ended = asyncio.ensure_future(stop.ask_hub()), asyncio.ensure_future(self._end.wait())
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        refused = asked.exception() if asked.done() else None
        self.set_status(502 if refused else 202)
        self.finish({"message": str(refused)} if refused else {})


class Asset(StaticFileHandler):
    """The pages' built files. They hold no secret, and their address changes with their content."""

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """In seconds."""
        return FOREVER

    async def get(self, path: str, include_body: bool = True) -> None:
        """The file."""
        self.set_header("Cache-Control", f"public, max-age={FOREVER}, immutable")
        await super().get(path, include_body)


def assets(base: str) -> Callable[[str], str]:
    """A function from a built file's name to its address, which holds its version."""
    versions = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in STATIC.glob("*.*")}
    return lambda name: url_concat(f"{base}somahub/static/{name}", {"v": versions.get(name, "")})


def handlers(session: Session, touch: Callable[[], None], end: asyncio.Event) -> list[tuple[Any, ...]]:
    """Where each page is, below the session's own prefix.

    ``touch`` is called when a person does something; ``end`` is set when the process was told to end.
    """
    base = session.base
    first = "lab" if session.opens == "notebook" else "somahub/desktop"

    def page(template: str) -> dict[str, Any]:
        return {"session": session, "template": template, "touch": touch}

    return [
        (f"{base}?", Home, {"target": base + first}),
        (f"{base}oauth_callback", Callback),
        (f"{base}somahub/?", Page, page("landing.html")),
        (f"{base}somahub/desktop", Page, page("desktop.html")),
        (f"{base}somahub/screen", desktop.Screen, {"socket": session.socket, "touch": touch}),
        (f"{base}somahub/login", Login, {"base": base}),
        (f"{base}somahub/api/status", Status, {"session": session, "opening": Opening(session.app)}),
        (f"{base}somahub/api/stop", Stop, {"end": end}),
        (f"{base}somahub/static/(.*)", Asset, {"path": str(STATIC)}),
    ]
