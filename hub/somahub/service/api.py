"""The API: what a script on a laptop asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from somahub.service import answers
from somahub.service.answers import Health, Profiles, SessionAnswer, Sessions, Start, Wrong
from somahub.service.house import House, TheCaller, TheHouse, not_there, origin
from somahub.service.hub import Caller
from somahub.service.offers import choose
from somahub.service.problems import Problem
from somahub.service.sessions import Session, find

_NOT_LET_IN: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Wrong, "description": "No token was sent, or the hub does not know it."},
    403: {"model": Wrong, "description": "The token lacks a scope; the answer names it."},
    503: {"model": Wrong, "description": "The hub does not answer; Retry-After says when to ask again."},
}
_NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Wrong, "description": "You have no session on that profile; if its start failed, this says why."}
}
_BUSY: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Wrong, "description": "The body is not JSON."},
    409: {"model": Wrong, "description": "A session on that profile runs, starts or stops already."},
    413: {"model": Wrong, "description": "The body is longer than anything that could be asked."},
    422: {"model": Wrong, "description": "No such profile or hardware; the answer names the nearest that there is."},
    429: {"model": Wrong, "description": "Too much starts at once; Retry-After says when to ask again."},
    502: {"model": Wrong, "description": "The hub could not start it; the answer says why."},
}

ProfileName = Annotated[str, Path(description="The profile that the session is on.", examples=["deeplabcut"])]

router = APIRouter()


@router.get(
    "/api/profiles",
    tags=["profiles"],
    summary="What is offered, and what it costs",
    response_description="All profiles.",
    responses=_NOT_LET_IN,
)
async def list_profiles(house: TheHouse, caller: TheCaller) -> Profiles:
    """Every profile with its version, and its hardware choices with what an hour costs now."""
    return answers.profiles(house.catalog, datetime.now(UTC))


@router.get(
    "/api/sessions",
    tags=["sessions"],
    summary="Your sessions",
    response_description="All of them; none is an empty list.",
    responses=_NOT_LET_IN,
)
async def list_sessions(request: Request, house: TheHouse, caller: TheCaller) -> Sessions:
    """Your own sessions that run, start or stop, with what each has cost so far. Needs `read:servers!user`."""
    mine = house.sessions(caller)
    return Sessions(sessions=[answers.session(one, origin(request)) for one in mine])


@router.post(
    "/api/sessions",
    tags=["sessions"],
    summary="Start a session",
    status_code=202,
    response_description="It is starting; Location is where to ask how far it is.",
    responses={**_NOT_LET_IN, **_BUSY},
)
async def start_session(
    request: Request, response: Response, house: TheHouse, caller: TheCaller, asked: Start
) -> SessionAnswer:
    """Start a session; it is ready once its state is `running`. Needs `read:servers!user` and `start:servers!user`.

    One person has one session on a profile at a time.
    """
    profile, hardware = choose(house.catalog, asked.profile, asked.hardware)
    there = find(house.sessions(caller), profile.name)
    if there is not None:
        raise _busy(there)
    await house.hub.start(caller, profile.name, {"profile": profile.name, "hardware": hardware.name})
    mine = house.sessions(await house.admit(caller.token))
    started = find(mine, profile.name)
    if started is None:
        raise await _gone(house, caller, profile.name, mine, 502)
    if started.hardware != hardware:
        # Somebody with the same name was quicker by a moment; the hub takes the second start for the first.
        raise _busy(started)
    response.headers["Location"] = f"{house.settings.prefix}api/sessions/{profile.name}"
    return answers.session(started, origin(request))


@router.get(
    "/api/sessions/{profile}",
    tags=["sessions"],
    summary="One of your sessions",
    response_description="The session.",
    responses={**_NOT_LET_IN, **_NOT_THERE},
)
async def show_session(request: Request, house: TheHouse, caller: TheCaller, profile: ProfileName) -> SessionAnswer:
    """Ask for it again and again after a start, until its state is `running`, or the start has failed (404)."""
    mine = house.sessions(caller)
    there = find(mine, profile)
    if there is None:
        raise await _gone(house, caller, profile, mine, 404)
    return answers.session(there, origin(request))


@router.delete(
    "/api/sessions/{profile}",
    tags=["sessions"],
    summary="Stop a session",
    status_code=202,
    responses={
        204: {"description": "It has stopped."},
        **_NOT_LET_IN,
        **_NOT_THERE,
        202: {"model": SessionAnswer, "description": "It is stopping."},
    },
    response_model=None,
)
async def stop_session(
    request: Request, house: TheHouse, caller: TheCaller, profile: ProfileName
) -> SessionAnswer | Response:
    """Stop a session; what is not saved in it is lost. Needs `read:servers!user` and `delete:servers!user`."""
    mine = house.sessions(caller)
    there = find(mine, profile)
    if there is None:
        raise not_there(profile, mine)
    if not await house.hub.stop(caller, there.server):
        left = find(house.sessions(await house.admit(caller.token)), profile)
        if left is not None:
            return answers.session(left, origin(request))
    return Response(status_code=204)


@router.get(
    "/health",
    tags=["health"],
    summary="Whether the service can do its work",
    response_description="It can.",
    responses={503: _NOT_LET_IN[503]},
)
async def health(house: TheHouse) -> Health:
    """Reaches the hub's API. Needs no token. For whoever watches the service."""
    return Health(ok=True, hub=await house.hub.version())


@router.get("/alive", tags=["health"], summary="Whether the service runs", response_description="It does.")
async def alive() -> dict[str, bool]:
    """Asks nobody: while the hub is away there is no reason to start the service anew, or to send people elsewhere.

    For Kubernetes' probes.
    """
    return {"ok": True}


async def _gone(house: House, caller: Caller, profile: str, mine: list[Session], status: int) -> Problem:
    """Why there is no session on a profile: because its last start failed, or because there was none."""
    why = await house.hub.why_not(caller, profile) if profile in house.catalog.profiles else ""
    if not why:
        return not_there(profile, mine)
    return Problem(status, f"{profile} did not start: {why}", "mend that, or choose other hardware, and start it again")


def _busy(there: Session) -> Problem:
    what = {"running": "runs", "starting": "is starting", "stopping": "is stopping"}[there.state]
    on = f" on {there.hardware.name}" if there.hardware else ""
    mend = "start it once it has stopped" if there.state == "stopping" else "open it, or stop it first"
    return Problem(409, f"your session on {there.profile} {what} already{on}", mend)
