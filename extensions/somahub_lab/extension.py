"""The server extension: adds the session's pages to a Jupyter server, and keeps the rest of Jupyter for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from somahub_lab import later, pages
from somahub_lab.session import from_environment

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(app: ServerApp) -> None:
    app.web_app.add_handlers(".*$", pages.handlers(app.base_url, from_environment()))
    app.web_app.settings["somahub_extensions"] = later.add(app)


async def _start_jupyter_server_extension(app: ServerApp) -> None:
    """Once the server answers: who chose a notebook gets JupyterLab loaded while the browser comes."""
    if from_environment().opens == "notebook":
        await app.web_app.settings["somahub_extensions"].load()
