"""Loads Jupyter's other extensions when something first asks for them."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.routing import PathMatches, Rule

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


class Extensions:
    """The server extensions that are installed beside ours, loaded once, whoever asks first."""

    def __init__(self, app: ServerApp) -> None:
        self._app = app
        self._loading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Return when they are loaded. The server goes on serving: importing happens in a thread."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    @property
    def loaded(self) -> bool:
        """Whether there is nothing left to load."""
        return self._loading is not None and self._loading.done()

    async def _load(self) -> None:
        app = self._app
        manager = app.extension_manager
        app.find_server_extensions()
        names = [
            name for name, wanted in sorted(app.jpserver_extensions.items()) if wanted and name not in manager.extensions
        ]
        for name in names:
            await asyncio.to_thread(_import, name)
        # The same three steps, in the same order, as when the server loads them at its start.
        for name in names:
            manager.add_extension(name, enabled=True)
        for name in names:
            manager.link_extension(name)
        for name in names:
            manager.load_extension(name)
        for name in names:
            await manager.start_extension(name)


def _import(name: str) -> None:
    try:
        for point in importlib.import_module(name)._jupyter_server_extension_points():
            importlib.import_module(point["module"])
    except Exception:  # noqa: BLE001, S110 - Jupyter imports it again, and says there what is wrong with it
        pass


class Unknown(JupyterHandler):
    """An address that nothing serves yet: load the rest, then have the client ask once more."""

    def initialize(self, extensions: Extensions) -> None:
        """``extensions``: those that may serve it."""
        self._extensions = extensions

    @web.authenticated
    async def get(self, *args: Any) -> None:
        """Any method: 307 keeps method and body."""
        if self._extensions.loaded:
            raise web.HTTPError(404)
        await self._extensions.load()
        self.redirect(self.request.uri or self.base_url, status=307)

    head = post = put = patch = delete = get

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here on anybody's behalf; who serves the address at last checks for itself."""


def add(app: ServerApp) -> Extensions:
    """Put :class:`Unknown` where Jupyter would answer 404."""
    extensions = Extensions(app)
    rules = app.web_app.wildcard_router.rules
    rules.insert(len(rules) - 1, Rule(PathMatches(".*"), Unknown, {"extensions": extensions}))
    return extensions
