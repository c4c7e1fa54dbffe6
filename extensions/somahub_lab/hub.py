"""The hub's login, from JupyterHub's own code, without the quarter of a second that its imports take.

``jupyterhub.services.auth`` is small, but it imports the hub's database layer (SQLAlchemy, Alembic) and aiohttp on its
way: of the 0.4 s that it takes to import, 0.39 s are for modules that a session never uses. While it is imported, these
are stood in for; afterwards whoever wants the real ones gets them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tornado.httpclient import AsyncHTTPClient
from tornado.web import HTTPError, RequestHandler

UNUSED = ("aiohttp", "sqlalchemy", "sqlalchemy.exc", "jupyterhub.orm", "jupyterhub.roles", "jupyterhub.httpclient")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub answered, as JupyterHub's own client shapes it."""

    status: int
    body: bytes

    async def text(self) -> str:
        """The body as text."""
        return self.body.decode()


async def fetch(
    url: str, *, method: str = "GET", data: bytes | str | None = None, ssl: Any = None, **more: Any
) -> Answer:
    """Ask the hub by tornado's client, which is loaded anyway, in place of aiohttp."""
    more.pop("raise_for_status", None)
    answer = await AsyncHTTPClient().fetch(
        url, method=method, body=data, ssl_options=ssl, raise_error=False, allow_nonstandard_methods=True, **more
    )
    if answer.code == 599 and answer.error is not None:
        raise answer.error
    return Answer(answer.code, answer.body)


class _StandIn(ModuleType):
    """Has every name, each an exception that nobody raises: enough for ``except`` clauses and imports."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        stand_in = type(name, (Exception,), {})
        setattr(self, name, stand_in)
        return stand_in


@contextmanager
def _without_unused() -> Iterator[None]:
    import jupyterhub

    stood_in = [name for name in UNUSED if name not in sys.modules]
    for name in stood_in:
        module = _StandIn(name)
        sys.modules[name] = module
        if name == "jupyterhub.httpclient":
            module.fetch = fetch  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in stood_in:
            del sys.modules[name]
            jupyterhub.__dict__.pop(name.removeprefix("jupyterhub."), None)


if TYPE_CHECKING:
    from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
else:
    with _without_unused():
        from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated

from jupyterhub._version import __version__ as HUB_VERSION  # noqa: E402, N812 - the package's own name for it

__all__ = ["HUB_VERSION", "Callback", "Guarded", "HubOAuth"]

HEADERS = {
    "X-JupyterHub-Version": HUB_VERSION,
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # By this a page left open tells the session's answer from the hub's, which stands in when the session has ended.
    "X-Somahub-Session": "1",
}


class Guarded(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A handler for whoever the hub lets into this session; others get 403."""

    sends_to_log_in = False

    async def prepare(self) -> None:
        """Ask the hub who it is, without keeping anybody else waiting."""
        await self.hub_auth.get_user(self, sync=False)
        if self.current_user:
            return
        read = self.request.method == "GET" and self.request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        if self.sends_to_log_in and read:
            self.redirect(self.get_login_url())
        else:
            raise HTTPError(403)

    def set_default_headers(self) -> None:
        """As JupyterHub sets them on a session's pages."""
        for name, value in HEADERS.items():
            self.set_header(name, value)


class Callback(HubOAuthCallbackHandler):  # type: ignore[misc]
    """Where the hub sends the browser after login."""
