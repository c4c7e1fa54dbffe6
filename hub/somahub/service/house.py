"""What one running service knows, and how its routes come by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from jupyterhub.services.auth import check_scopes

from somahub.catalog import Catalog
from somahub.service.hub import Caller, Hub
from somahub.service.login import Login
from somahub.service.problems import Problem, bad_token, lacks, no_token
from somahub.service.sessions import Session, sessions
from somahub.service.settings import ServiceSettings

_HEADER: Final = re.compile(r"(?:token|bearer) +(\S+) *", re.IGNORECASE | re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}", re.ASCII)
# What a browser may say of a host; anything else is not repeated.
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class House:
    """The service: its settings, what is offered, the hub, and people's log-ins."""

    settings: ServiceSettings
    catalog: Catalog
    hub: Hub
    login: Login

    async def admit(self, token: str) -> Caller:
        """Whose token that is, if it may come in here; raises Problem."""
        if not _TOKEN.fullmatch(token):
            raise bad_token(self.settings.hub)
        caller = await self.hub.caller(token)
        if not check_scopes({self.settings.access}, caller.scopes):
            raise lacks(self.settings.access, self.settings.hub)
        return caller

    def sessions(self, caller: Caller) -> list[Session]:
        """The caller's own sessions; raises Problem where their token may not see them."""
        if caller.servers is None:
            raise lacks("read:servers!user", self.settings.hub)
        return sessions(caller.servers, self.catalog, datetime.now(UTC))


def house(request: Request) -> House:
    """The service that a request came to."""
    made: House = request.app.state.house
    return made


TheHouse = Annotated[House, Depends(house)]

_scheme = HTTPBearer(auto_error=False, description="A token from the hub's page; 'token …' is taken like 'Bearer …'.")


async def caller(request: Request, house: TheHouse, _: Annotated[object, Security(_scheme)]) -> Caller:
    """Who asks the API. By header alone: a cookie is sent along by the browser whoever's page asks."""
    header = request.headers.get("Authorization", "")
    found = _HEADER.fullmatch(header)
    if found is None:
        raise bad_token(house.settings.hub) if header else no_token(house.settings.hub)
    return await house.admit(found[1])


TheCaller = Annotated[Caller, Depends(caller)]


def origin(request: Request) -> str:
    """``https://host`` as the caller's browser or script has it; nothing where that cannot be told."""
    host = request.headers.get("Host", "")
    return f"{scheme(request)}://{host}" if _HOST.fullmatch(host) else ""


def scheme(request: Request) -> str:
    """How the caller reaches the proxy: the first proxy on the way says so."""
    said = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
    return said if said in ("http", "https") else request.url.scheme


def not_there(profile: str, known: list[Session]) -> Problem:
    """No session of the caller's is on that profile."""
    there = ", ".join(sorted({session.profile for session in known}))
    mend = f"you have one on {there}" if there else "start one by POST to api/sessions"
    return Problem(404, f"you have no session on {profile[:60]!r}", mend)
