"""The application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from somahub import __version__
from somahub.catalog import Catalog
from somahub.service import api, pages
from somahub.service.answers import Start
from somahub.service.guard import LONGEST_BODY, Guard
from somahub.service.house import House
from somahub.service.hub import Hub
from somahub.service.login import Login
from somahub.service.problems import Problem, not_understood
from somahub.service.settings import ServiceSettings

_ABOUT: Final = (
    "List, start and stop your sessions from a script. Send a token of yours, made on the hub's token page, as "
    "`Authorization: token …`. Money is US dollars as decimal text. Every answer that is not a success is "
    '`{"error": what is wrong, "mend": what to do}`, each one line.'
)
_LINES: Final = {
    404: ("there is no such address", "see api/docs for those that there are"),
    405: ("that cannot be done with this address", "see api/docs for what can"),
    413: (f"the body is longer than {LONGEST_BODY} bytes", "send a profile and its hardware, and nothing more"),
}


def build(settings: ServiceSettings, catalog: Catalog) -> ASGIApp:
    """The service as an ASGI application."""
    house = House(settings, catalog, Hub(settings.api_url, settings.hub), Login(settings))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await house.hub.close()

    app = FastAPI(
        title="somahub",
        version=__version__,
        description=_ABOUT,
        lifespan=life,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.house = house
    prefix = settings.prefix.rstrip("/")
    app.include_router(api.router, prefix=prefix)
    app.include_router(pages.router, prefix=prefix, include_in_schema=False)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    _describe(app)
    return Guard(app)


def _describe(app: FastAPI) -> None:
    """Take out of the OpenAPI document an answer that FastAPI puts there by itself, and that is never given."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    never = {"$ref": "#/components/schemas/HTTPValidationError"}
    for methods in document["paths"].values():
        for operation in methods.values():
            said = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
            if said.get("schema") == never:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _answer(request: Request, problem: Problem) -> Response:
    house: House = request.app.state.house
    if not request.url.path.startswith((f"{house.settings.prefix}api/", f"{house.settings.prefix}health")):
        return pages.problem(house, problem)
    return JSONResponse({"error": problem.error, "mend": problem.mend}, problem.status, problem.headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, not_understood(error.errors(), Start.model_fields))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    line, mend = _LINES.get(error.status_code, (str(error.detail), "see api/docs"))
    return _answer(request, Problem(error.status_code, line, mend, error.headers))


async def _unexpected(request: Request, _: Exception) -> Response:
    return _answer(
        request, Problem(500, "this went wrong in the service itself", "tell an administrator; its log says more")
    )
