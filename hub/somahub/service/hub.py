"""The hub's API, asked with the token of whoever asks the service."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from somahub.service.problems import RETRY_AFTER, Problem, bad_token, hub_away, lacks

log = logging.getLogger("somahub.service")

# Seconds: the hub answers most things at once, but a start or stop may keep it for some seconds.
_QUICK: Final = 10.0
_SLOW: Final = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with their token. ``servers`` as the hub shows them; None where the token may not see them."""

    name: str
    token: str
    scopes: frozenset[str]
    servers: Mapping[str, Any] | None


class Hub:
    """The hub at ``api``; ``pages`` is where its pages lie, for what people are told."""

    def __init__(self, api: str, pages: str) -> None:
        self.pages = pages
        # No proxy that the environment may name gets to see a token.
        self._client = httpx.AsyncClient(base_url=api.rstrip("/") + "/", timeout=_QUICK, trust_env=False)

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def version(self) -> str:
        """The hub's version; raises Problem (503) when it does not answer."""
        answer = await self._ask("GET", "")
        if answer.status_code != HTTPStatus.OK:
            raise hub_away()
        return str(_said(answer).get("version", ""))

    async def caller(self, token: str) -> Caller:
        """Whose token that is; raises Problem when nobody's. Nothing is kept: a revoked one is refused at once."""
        answer = await self._ask("GET", "user", token)
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise bad_token(self.pages)
        model = _said(answer)
        if answer.status_code != HTTPStatus.OK or "name" not in model:
            log.error("the hub answered %d to whose token it is", answer.status_code)
            raise hub_away()
        if model.get("kind") != "user":
            raise Problem(403, "this token is a service's, and sessions are people's", "send the token of a person")
        return Caller(str(model["name"]), token, frozenset(model.get("scopes", ())), model.get("servers"))

    async def start(self, caller: Caller, server: str, options: Mapping[str, str]) -> None:
        """Start a server; raises Problem with why not."""
        answer = await self._ask("POST", _path(caller, server), caller.token, json=dict(options), timeout=_SLOW)
        match answer.status_code:
            case HTTPStatus.CREATED | HTTPStatus.ACCEPTED:
                return
            case HTTPStatus.FORBIDDEN | HTTPStatus.NOT_FOUND:
                raise lacks("start:servers!user", self.pages)
            case HTTPStatus.BAD_REQUEST | HTTPStatus.CONFLICT:
                raise Problem(409, _line(answer), "list your sessions to see what is running")
            case HTTPStatus.TOO_MANY_REQUESTS:
                after = answer.headers.get("Retry-After", str(RETRY_AFTER))
                raise Problem(429, _line(answer), f"ask again in {after} seconds", {"Retry-After": after})
            case _:
                raise Problem(
                    502, f"{server} did not start: {_line(answer)}", "choose other hardware, or start it later"
                )

    async def stop(self, caller: Caller, server: str) -> bool:
        """Stop a server; True when it has stopped, False while it is stopping. Raises Problem with why not."""
        answer = await self._ask("DELETE", _path(caller, server), caller.token, timeout=_SLOW)
        match answer.status_code:
            case HTTPStatus.NO_CONTENT | HTTPStatus.NOT_FOUND:
                return True
            case HTTPStatus.ACCEPTED:
                return False
            case HTTPStatus.FORBIDDEN:
                raise lacks("delete:servers!user", self.pages)
            case HTTPStatus.BAD_REQUEST | HTTPStatus.CONFLICT:
                raise Problem(409, _line(answer), "ask again in some seconds")
            case _:
                raise Problem(502, f"{server} was not stopped: {_line(answer)}", "try again, or ask an administrator")

    async def why_not(self, caller: Caller, server: str) -> str:
        """Why the last start of a server failed, in words; nothing when it did not."""
        path, headers = f"{_path(caller, server)}/progress", {"Authorization": f"token {caller.token}"}
        try:
            async with self._client.stream("GET", path, headers=headers) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        event = json.loads(line.removeprefix("data:"))
                        said = " ".join(str(event.get("message", "")).split())
                        return said.removeprefix("Spawn failed: ") if event.get("failed") else ""
        except (httpx.HTTPError, ValueError) as error:
            log.info("the hub did not say how a start went: %r", error)
        return ""

    async def _ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        try:
            answer = await self._client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            # Its words may name the address; of the token they say nothing.
            log.warning("the hub does not answer: %s", type(error).__name__)
            raise hub_away() from error
        if answer.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE) and not _said(answer):
            raise hub_away()
        return answer


def _path(caller: Caller, server: str) -> str:
    """A person's server in the hub's API; only ever the caller's own, whatever characters a name has."""
    person = f"users/{_segment(caller.name)}"
    return f"{person}/servers/{_segment(server)}" if server else f"{person}/server"


def _segment(name: str) -> str:
    # Dots too: a name that is ".." must not climb.
    return quote(name, safe="").replace(".", "%2E")


def _said(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _line(answer: httpx.Response) -> str:
    """What the hub said is wrong, on one line."""
    return " ".join(str(_said(answer).get("message") or f"the hub answered {answer.status_code}").split())
