"""Asks the hub to stop this session."""

from __future__ import annotations

import os

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from somahub.errors import SomahubError


class StopError(SomahubError):
    """The hub did not stop the session."""


async def ask_hub() -> None:
    """Have the hub stop the server that this process is, with the server's own token.

    Raises StopError with one line for the person where the hub refuses or does not answer.
    """
    say = os.environ.get
    api, user, name = say("JUPYTERHUB_API_URL"), say("JUPYTERHUB_USER"), say("JUPYTERHUB_SERVER_NAME", "")
    if not (api and user):
        raise StopError("This server was started without a hub, so there is nobody who could stop it from here.")
    request = HTTPRequest(
        f"{api}/users/{user}/servers/{name}" if name else f"{api}/users/{user}/server",
        method="DELETE",
        headers={"Authorization": f"token {say('JUPYTERHUB_API_TOKEN', '')}"},
        request_timeout=60,
    )
    try:
        await AsyncHTTPClient().fetch(request)
    except HTTPClientError as error:
        raise StopError(f"The hub answered {error.code}. Stop the session on the hub's own page.") from error
    except OSError as error:
        raise StopError("The hub does not answer. Try again, or stop the session on the hub's own page.") from error
