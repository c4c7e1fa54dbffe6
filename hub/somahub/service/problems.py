"""What the service answers when it does not do what it is asked: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from somahub.catalog.faults import nearest, render_path, render_value

# Seconds after which it makes sense to ask again.
RETRY_AFTER: Final = 5


class Problem(Exception):  # noqa: N818 - it is an answer, and mostly not an error of ours
    """An answer with an HTTP status, one line of what is wrong and one of what to do."""

    def __init__(self, status: int, error: str, mend: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.mend = mend
        self.headers = dict(headers or {})


def no_token(hub: str) -> Problem:
    """Nothing says who asks."""
    return Problem(
        401,
        "no token was sent",
        f"make one on the page {hub}token and send it as 'Authorization: token …'",
        {"WWW-Authenticate": "Bearer"},
    )


def bad_token(hub: str) -> Problem:
    """The hub does not know the token."""
    return Problem(
        401,
        "the hub does not know this token: it is mistyped, was revoked or has expired",
        f"make a new one on the page {hub}token",
        {"WWW-Authenticate": "Bearer"},
    )


def lacks(scope: str, hub: str) -> Problem:
    """The token may not do this."""
    return Problem(
        403,
        f"the token lacks the scope {scope}",
        f"make one on the page {hub}token that has it; one made with no scopes named has all of yours",
    )


def hub_away() -> Problem:
    """The hub cannot be reached, or is just starting."""
    return Problem(
        503,
        "the hub does not answer",
        f"ask again in {RETRY_AFTER} seconds; sessions go on meanwhile",
        {"Retry-After": str(RETRY_AFTER)},
    )


def unknown(what: str, name: str, known: Iterable[str], status: int) -> Problem:
    """A name that nothing has; says the one that was perhaps meant."""
    there = sorted(known)
    meant = nearest(name, there)
    choose = f"choose one of {', '.join(there)}" if there else f"there is no {what} at all"
    return Problem(
        status,
        f"no {what} is named {render_value(name)}",
        f"did you mean {meant!r}? else {choose}" if meant else choose,
    )


def not_understood(faults: Iterable[Mapping[str, Any]], fields: Iterable[str]) -> Problem:
    """A body that is not what was asked for: ``faults`` as pydantic tells them, the first of which is said."""
    fault = next(iter(faults))
    known = sorted(fields)
    mend = f"send a JSON object with {' and '.join(known)}, and the header 'Content-Type: application/json'"
    if fault["type"] == "json_invalid":
        return Problem(400, "the body is not JSON", mend)
    path = render_path(tuple(fault["loc"][1:]))
    if not path:
        return Problem(422, "the body is not a JSON object", mend)
    if fault["type"] == "missing":
        return Problem(422, f"{path} is missing", mend)
    if fault["type"] == "extra_forbidden":
        meant = nearest(str(fault["loc"][-1]), known)
        return Problem(422, f"{path} is not a field of this", f"did you mean {meant!r}?" if meant else mend)
    return Problem(422, f"{path}: {fault['msg'][0].lower()}{fault['msg'][1:]}", mend)
