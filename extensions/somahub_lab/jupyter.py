"""Jupyter inside the session's server: loaded when something first asks for it, served on the same address."""

from __future__ import annotations

import asyncio
import importlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application

from somahub_lab.hub import Guarded
from somahub_lab.session import Session

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


class Jupyter:
    """The Jupyter server of this session, with every extension that is installed, once it is loaded."""

    def __init__(self, session: Session, cookie_secret: bytes) -> None:
        self._session = session
        self._cookie_secret = cookie_secret
        self._loading: asyncio.Task[ServerApp] | None = None
        self.app: ServerApp | None = None

    async def load(self) -> ServerApp:
        """Return it when it serves. Meanwhile the desktop goes on: what takes long happens in a thread."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        return await asyncio.shield(self._loading)

    def last_activity(self) -> datetime | None:
        """When something last happened in a notebook, a terminal or a kernel."""
        moment: datetime | None = self.app.web_app.last_activity() if self.app else None
        return moment

    async def _load(self) -> ServerApp:
        await asyncio.to_thread(_import)
        from somahub_lab import notebook

        app = notebook.server(self._session, self._cookie_secret)
        await app.extension_manager.start_all_extensions()
        self.app = app
        return app


def _import() -> None:
    """Import what loading will import, so that the loop does not wait for it."""
    importlib.import_module("jupyter_server.serverapp")
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    installed = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()
    for name, wanted in installed.items():
        if wanted:
            _import_extension(name)


def _import_extension(name: str) -> None:
    try:
        for point in importlib.import_module(name)._jupyter_server_extension_points():
            importlib.import_module(point["module"])
    except Exception:  # noqa: S110 - Jupyter imports it again, and says then what is wrong with it
        pass


class Loads(Guarded):
    """Any address that is Jupyter's, before Jupyter is there: loads it, then has the client ask once more."""

    sends_to_log_in = True

    def initialize(self, jupyter: Jupyter) -> None:
        """``jupyter``: the one to load."""
        self._jupyter = jupyter

    async def get(self) -> None:
        """Any method: 307 keeps method and body."""
        await self._jupyter.load()
        self.redirect(self.request.uri or "/", status=307)

    head = post = put = patch = delete = get


class Addresses(Router):
    """Which of the two applications serves a request: the session's own pages, or else Jupyter."""

    def __init__(self, own: Application, jupyter: Jupyter) -> None:
        self._own = own
        self._jupyter = jupyter

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """The session's own addresses never wait for Jupyter."""
        served = self._own.default_router.find_handler(request)
        if served is not None:
            return served
        if self._jupyter.app is not None:
            jupyters: HTTPMessageDelegate | None = self._jupyter.app.web_app.find_handler(request, **kwargs)
            return jupyters
        return self._own.get_handler_delegate(request, Loads, {"jupyter": self._jupyter})
