"""The pages for a browser: one's sessions and how to ask for them, the API's reference, and what they look with."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyterhub._data import DATA_FILES_PATH
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from somahub.pages import cards
from somahub.pricing import money, rate
from somahub.service.house import House, TheHouse, origin, scheme
from somahub.service.problems import Problem
from somahub.service.reference import operations

_HERE: Final = Path(__file__).parent
_HUB: Final = Path(cards.__file__).parent
# By name: nothing else in these folders is shown.
_STATIC: Final = {
    # The hub's own style is this and an icon font.
    "bootstrap.css": (Path(DATA_FILES_PATH) / "static/components/bootstrap/dist/css/bootstrap.min.css", "text/css"),
    "somahub.css": (_HUB / "templates/somahub.css", "text/css"),
    "service.css": (_HERE / "static/service.css", "text/css"),
    "service.js": (_HERE / "static/service.js", "text/javascript"),
    "theme.js": (_HERE / "static/theme.js", "text/javascript"),
    "logo.svg": (_HUB / "logo.svg", "image/svg+xml"),
}

router = APIRouter()


@router.get("")
async def bare(house: TheHouse) -> Response:
    """The address without its last slash."""
    return RedirectResponse(house.settings.prefix, 308)


@router.get("/")
async def home(request: Request, house: TheHouse) -> Response:
    """The person's sessions, and how a script asks for them; sends to the log-in who is not logged in."""
    token = house.login.token(request)
    try:
        caller = await house.admit(token) if token else None
    except Problem as problem:
        if problem.status != 401:
            raise
        caller = None
    if caller is None:
        return _to_log_in(request, house)
    return _page(
        house,
        "sessions.html",
        person=caller.name,
        sessions=house.sessions(caller),
        api=f"{origin(request) or 'https://YOUR-HUB'}{house.settings.prefix}api",
        profile=next(iter(house.catalog.profiles.values())),
    )


@router.get("/oauth_callback")
async def come_back(request: Request, house: TheHouse) -> Response:
    """Where the hub sends a browser once its person has logged in there."""
    token = await house.login.finish(request)
    await house.admit(token)
    answer = RedirectResponse(house.settings.prefix, 303)
    house.login.keep(answer, request, token, secure=scheme(request) == "https")
    return answer


@router.get("/api/openapi.json")
async def openapi(request: Request) -> Response:
    """The API, for programs."""
    return JSONResponse(request.app.openapi())


@router.get("/api/docs")
async def docs(request: Request, house: TheHouse) -> Response:
    """The API, for people. Tells nothing of anybody, so it asks for no log-in."""
    return _page(house, "reference.html", operations=operations(request.app.openapi()))


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """What the pages look with."""
    if name not in _STATIC:
        raise Problem(404, "there is no such file", "open the page again")
    # Its address changes with its content.
    return Response(_read(name), media_type=_STATIC[name][1], headers={"Cache-Control": "public, max-age=31536000"})


def problem(house: House, wrong: Problem) -> Response:
    """A page that says what is wrong and what to do."""
    return _page(house, "problem.html", wrong.status, wrong.headers, problem=wrong)


def _to_log_in(request: Request, house: House) -> Response:
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise Problem(403, "this is a page for a browser's window", "for scripts there is the API, with a token")
    return house.login.begin(secure=scheme(request) == "https")


def _page(
    house: House, name: str, status: int = 200, headers: dict[str, str] | None = None, **said: Any
) -> HTMLResponse:
    settings = house.settings
    places = {"prefix": settings.prefix, "hub": settings.hub, "static": lambda name: _static(settings.prefix, name)}
    return HTMLResponse(_templates().get_template(name).render(**places, **said), status, headers)


def _marked(text: str) -> Markup:
    """Text in which `words` between backticks are code, as the API's own descriptions write them."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _static(prefix: str, name: str) -> str:
    return f"{prefix}static/{name}?v={hashlib.sha256(_read(name)).hexdigest()[:12]}"


@cache
def _read(name: str) -> bytes:
    return _STATIC[name][0].read_bytes()


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["marked"] = _marked
    made.globals.update(size=cards.size, money=money, rate=rate, logo=_read("logo.svg").decode().strip())
    return made
