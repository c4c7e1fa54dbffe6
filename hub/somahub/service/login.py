"""A browser's log-in, by the hub's OAuth: a token that may only look, in a cookie of the service's own pages.

The secret that belongs to a log-in's state (PKCE) goes to the browser, signed, and comes back with it: nothing is kept
here, so a restart in the middle of a log-in harms nobody, and nobody can fill our memory by beginning many.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from typing import Final

from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from tornado.httputil import url_concat
from tornado.web import HTTPError, create_signed_value, decode_signed_value

from somahub.service.problems import Problem, hub_away
from somahub.service.settings import ServiceSettings

log = logging.getLogger("somahub.service")

_STATE_SECONDS: Final = 600
_DAY: Final = 86_400
_PATIENCE: Final = 15.0


class Login:
    """Log-ins of one service."""

    def __init__(self, settings: ServiceSettings) -> None:
        token = settings.api_token.get_secret_value()
        self._prefix = settings.prefix
        # Derived, so that it is secret, and the same after a restart.
        self._secret = hmac.new(token.encode(), b"somahub service cookies", hashlib.sha256).hexdigest()
        self._oauth = HubOAuth(
            api_url=settings.api_url,
            api_token=token,
            base_url=settings.prefix,
            hub_host=settings.host,
            hub_prefix=f"{settings.base}hub/",
            oauth_client_id=settings.client,
            oauth_redirect_uri=settings.callback or f"{settings.prefix}oauth_callback",
            access_scopes={settings.access},
        )

    def token(self, request: Request) -> str:
        """The token of a browser that is logged in and opens a page; else nothing.

        A script's request is not the opening of a page: pages of other people's sessions share this host, and their
        scripts would otherwise read what the cookie shows.
        """
        if request.headers.get("Sec-Fetch-Dest", "document") != "document":
            return ""
        return self._read(request, self._oauth.cookie_name, 31.0)

    def begin(self, *, secure: bool) -> Response:
        """Send a browser to the hub to log in."""
        verifier, challenge, method = self._oauth.generate_pkce_code_challenge()
        state = secrets.token_urlsafe(16)
        asked = {"state": state, "code_challenge": challenge, "code_challenge_method": method}
        answer = RedirectResponse(url_concat(self._oauth.login_url, asked), 302)
        # A cookie for each log-in that is under way: two tabs do not disturb each other.
        self._write(answer, self._state_cookie(state), verifier, secure=secure, seconds=_STATE_SECONDS)
        return answer

    async def finish(self, request: Request) -> str:
        """The token of a browser that comes back from the hub; raises Problem where it did not leave from here."""
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        verifier = self._read(request, self._state_cookie(state), _STATE_SECONDS / _DAY)
        again = f"open {self._prefix} again"
        if not verifier:
            raise Problem(403, "this log-in was not begun in this browser, or too long ago", again)
        if not code:
            raise Problem(403, "the hub did not let you in", f"{again}, or ask an administrator")
        try:
            async with asyncio.timeout(_PATIENCE):
                token: str = await self._oauth.token_for_code(code, code_verifier=verifier, sync=False)
        except TimeoutError as error:
            raise hub_away() from error
        except HTTPError as error:
            log.warning("a log-in was not completed: %s", error.log_message)
            raise Problem(403, "the hub did not complete this log-in", again) from error
        return token

    def keep(self, answer: Response, request: Request, token: str, *, secure: bool) -> None:
        """Have the browser keep its log-in until it is closed, and forget what finished it."""
        self._write(answer, self._oauth.cookie_name, token, secure=secure, seconds=None)
        done = self._state_cookie(request.query_params.get("state", ""))
        answer.delete_cookie(done, path=self._prefix, secure=secure, httponly=True, samesite="lax")

    def _state_cookie(self, state: str) -> str:
        return f"{self._oauth.state_cookie_name}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    def _read(self, request: Request, name: str, days: float) -> str:
        # The signature is over the name too, so that none is taken for another.
        value = decode_signed_value(self._secret, name, request.cookies.get(name), max_age_days=days)
        return value.decode("ascii", "replace") if value else ""

    def _write(self, answer: Response, name: str, value: str, *, secure: bool, seconds: int | None) -> None:
        signed = create_signed_value(self._secret, name, value).decode()
        answer.set_cookie(
            name, signed, max_age=seconds, path=self._prefix, secure=secure, httponly=True, samesite="lax"
        )
