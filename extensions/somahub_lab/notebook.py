"""The Jupyter server that is loaded into the session's: how it is configured, and whom it serves.

Imported only when Jupyter is asked for: importing Jupyter takes longer than all the rest of a session's start.
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.serverapp import ServerApp
from tornado.web import HTTPError, RequestHandler
from traitlets.config import Config

from somahub_lab.hub import HEADERS, HubOAuth
from somahub_lab.session import Session


class HubIdentity(IdentityProvider):  # type: ignore[misc]
    """Whoever the hub lets into this session, by the same cookie as the session's own pages."""

    @property
    def token(self) -> str:
        """None: Jupyter would write it on every page of its own, such as that of an error, for any script to read."""
        return ""

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Who asks; None where nobody is logged in; 403 for somebody who is, and has no right to this session."""
        hub = HubOAuth.instance()
        hub._patch_xsrf(handler)
        model = await hub.get_user(handler, sync=False)
        if model is None:
            return None
        if not hub.check_scopes(hub.access_scopes, model):
            raise HTTPError(403, f"{model['name']} has no right to this session.")
        if _is_jupyters_websocket(handler) and not await _knows_token(handler):
            raise HTTPError(403)
        return User(username=model["name"])

    def get_handlers(self) -> list[tuple[str, object]]:
        """None: logging in and out is the hub's."""
        return []

    def validate_security(self, app: Any, ssl_options: Any = None) -> None:
        """Nothing to warn of: no request is served without the hub's word."""


def _is_jupyters_websocket(handler: RequestHandler) -> bool:
    """Whether this joins a terminal, a kernel or events.

    What somebody serves by themselves, behind jupyter-server-proxy, knows no token and goes on without.
    """
    upgrade = handler.request.headers.get("Upgrade", "").lower()
    return upgrade == "websocket" and type(handler).__module__.partition(".")[0] != "jupyter_server_proxy"


async def _knows_token(handler: RequestHandler) -> bool:
    """Whether whoever opens a websocket knows a token for this session, as JupyterLab's page does.

    The cookie alone says nothing of the page: browsers send it along with what a colleague's page opens.
    """
    if getattr(handler, "_token_authenticated", False):
        return True
    hub, token = HubOAuth.instance(), handler.get_query_argument("token", "")
    model = await hub.user_for_token(token, session_id=hub.get_session_id(handler), sync=False) if token else None
    return model is not None and bool(hub.check_scopes(hub.access_scopes, model))


class Inside(ServerApp):  # type: ignore[misc]
    """A Jupyter server within another's process."""

    def init_signal(self) -> None:
        """Signals are for the session's own server, which started first and ends last."""


def page_config(handler: RequestHandler, config: dict[str, Any]) -> dict[str, Any]:
    """What JupyterLab must know to offer the hub's pages in its menus."""
    hub = HubOAuth.instance()
    config.update(
        hubUser=handler.current_user.name if handler.current_user else "",
        hubServerUser=os.environ.get("JUPYTERHUB_USER", ""),
        hubServerName=os.environ.get("JUPYTERHUB_SERVER_NAME", ""),
        hubPrefix=hub.hub_prefix,
        hubHost=hub.hub_host,
        token=hub.get_token(handler) or "",
        appendToken="true",
    )
    return config


def server(session: Session, cookie_secret: bytes) -> ServerApp:
    """A Jupyter server without a port of its own; call it on the running loop."""
    config = Config()
    config.ServerApp.identity_provider_class = HubIdentity
    config.ServerApp.base_url = session.base
    config.ServerApp.cookie_secret = cookie_secret
    config.ServerApp.root_dir = str(session.home)
    config.ServerApp.allow_remote_access = True
    config.ServerApp.open_browser = False
    config.ServerApp.quit_button = False
    config.ServerApp.tornado_settings = {
        "headers": dict(HEADERS),
        "login_url": f"{session.base}somahub/login",
        "page_config_hook": page_config,
        # Tornado's own check runs before the hub's, which knows more: that one is in force.
        "xsrf_cookies": False,
    }
    # The environment is read-only and alike for all: no updates or extensions are offered that nobody could take.
    config.LabApp.news_url = None
    config.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
    config.LabApp.extension_manager = "readonly"
    config.FileContentsManager.delete_to_trash = False
    # The app's kernel is the one to use; the server's own Python holds none of the app's packages.
    config.KernelSpecManager.ensure_native_kernel = False
    app = Inside.instance(config=config)
    app.initialize(argv=[], find_extensions=True, new_httpserver=False)
    return app
