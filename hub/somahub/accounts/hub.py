"""What the running hub is told when somebody is removed, by its API, as its operator."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from somahub.errors import AccountError
from somahub.settings import Settings

# Seconds for sessions to save and end.
_PATIENCE: Final = 120.0
_BEAT: Final = 0.2


def forget(settings: Settings, name: str) -> bool:
    """Stop the sessions of ``name``, and remove them from the hub with all their tokens.

    False when no hub runs. Raises AccountError when it does, but does not do it.
    """
    person = f"/users/{quote(name, safe='')}"
    try:
        until = time.monotonic() + _PATIENCE
        asked: set[str] = set()
        while servers := _servers(settings, person):
            for server in sorted(servers - asked):
                _ask(settings, "DELETE", f"{person}/servers/{quote(server, safe='')}")
            asked |= servers
            if time.monotonic() > until:
                raise AccountError(f"{name!r} cannot log in any more, but sessions of theirs do not end", "make down")
            time.sleep(_BEAT)
        _ask(settings, "DELETE", person)
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        # Nobody listens, or no hub has ever run here.
        if isinstance(reason, ConnectionRefusedError | FileNotFoundError):
            return False
        raise AccountError(f"{name!r} cannot log in any more, but the hub did not answer: {reason}") from error
    return True


def _servers(settings: Settings, person: str) -> set[str]:
    """The names of the servers that somebody has running, or on the way there or back."""
    status, answer = _ask(settings, "GET", person)
    return set() if status == HTTPStatus.NOT_FOUND else set(answer.get("servers") or {})


def _ask(settings: Settings, method: str, path: str) -> tuple[int, Any]:
    """The hub's answer: its status, and what its JSON says."""
    token = (settings.data / "secrets" / "operator").read_text().strip()
    request = Request(
        f"http://127.0.0.1:{settings.hub_port}/hub/api{path}",
        method=method,
        headers={"Authorization": f"token {token}"},
    )
    try:
        # Whatever proxy the operator's shell names, the hub is on this machine.
        with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
    except HTTPError as error:
        # Nobody of that name, or a server that is already on its way down.
        if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
            return error.code, {}
        raise
