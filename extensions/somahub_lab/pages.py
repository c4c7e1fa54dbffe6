"""A session's own pages: the landing page, the desktop, and what their scripts ask the server."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from somahub_lab import desktop, stop
from somahub_lab.session import Session

HERE = Path(__file__).parent
STATIC = HERE / "static"
FOREVER = 365 * 24 * 3600


def environment() -> Environment:
    """The pages' templates; ``asset(name)`` gives a built file's version, so that browsers may keep it for ever."""
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
    versions = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in STATIC.glob("*.*")}
    templates.globals["asset"] = lambda name: f"somahub/static/{name}?v={versions.get(name, '')}"
    return templates


class Page(JupyterHandler):
    """A page of the session, for whoever the hub lets in."""

    def initialize(self, session: Session, templates: Environment, template: str) -> None:
        """``template``: the file under templates/ that this address shows."""
        self._session = session
        self._templates = templates
        self._template = template

    @property
    def content_security_policy(self) -> str:
        """JupyterHub's policy, and nothing from elsewhere: no inline script, no other host."""
        return f"{super().content_security_policy}; default-src 'self'; img-src 'self' data: blob:; object-src 'none'"

    @web.authenticated
    def get(self) -> None:
        """Show the page."""
        self.set_header("Cache-Control", "no-store")
        self.write(self._templates.get_template(self._template).render(**self._values()))

    def _values(self) -> dict[str, Any]:
        session = self._session
        now = datetime.now(UTC)
        return {
            "base": self.base_url,
            "session": session,
            "desktop": desktop.read(session.runtime),
            "buckets": session.buckets(),
            "cost": session.cost(now),
            "facts": {
                "base": self.base_url,
                "hub": session.hub,
                "xsrf": self.xsrf_token.decode(),
                "usdPerHour": float(session.usd_per_hour),
                "started": session.started.timestamp(),
                "now": now.timestamp(),
            },
        }


class Status(APIHandler):
    """How the desktop is: asked by its page when the picture stops coming."""

    _track_activity = False

    def initialize(self, session: Session) -> None:
        """``session``: whose desktop."""
        self._session = session

    @web.authenticated
    def get(self) -> None:
        """Answer with the desktop's state as JSON."""
        self.finish(desktop.as_json(desktop.read(self._session.runtime)))


class Stop(APIHandler):
    """Ends the session, at the person's word."""

    @web.authenticated
    async def post(self) -> None:
        """Ask the hub to stop this server; 502 with one clear line where it does not."""
        try:
            await stop.ask_hub()
        except stop.StopError as error:
            self.set_status(502)
            self.finish({"message": str(error)})
        else:
            self.set_status(202)
            self.finish({})


class Asset(web.StaticFileHandler):
    """The pages' built files. They hold no secret, and their address changes with their content."""

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """In seconds."""
        return FOREVER


def handlers(base: str, session: Session) -> list[tuple[Any, ...]]:
    """Where each page is, below ``base`` (the server's own prefix)."""
    templates = environment()

    def at(path: str) -> str:
        return url_path_join(base, "somahub", path)

    def page(template: str) -> dict[str, Any]:
        return {"session": session, "templates": templates, "template": template}

    return [
        (at("?"), Page, page("landing.html")),
        (at("desktop"), Page, page("desktop.html")),
        (at("screen"), desktop.Screen, {"socket": session.socket}),
        (at("api/status"), Status, {"session": session}),
        (at("api/stop"), Stop),
        (at("static/(.*)"), Asset, {"path": str(STATIC)}),
    ]
