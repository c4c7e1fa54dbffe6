"""Build app environments ahead of their first use, in words on a terminal."""

from __future__ import annotations

import asyncio

import typer

from somahub.environments.shelf import Shelf, open_shelf
from somahub.errors import BuildError
from somahub.instance import shipped
from somahub.machine import own_wheel
from somahub.settings import Settings


def build(settings: Settings, names: list[str]) -> None:
    """Build the environments of the apps ``names``, or of all; prints each one's folder when it is there.

    Raises BuildError with one line when one cannot be built or is not an app.
    """
    shelf = open_shelf(settings.images or shipped("images"), settings.cache, own_wheel())
    for name in names or shelf.recipes:
        if name not in shelf.recipes:
            raise BuildError(f"no app is named {name!r}", mend=f"choose one of {', '.join(shelf.recipes)}")
        asyncio.run(_follow(shelf, name))
        typer.echo(str(shelf.environment(name).folder))


async def _follow(shelf: Shelf, name: str) -> None:
    said = ""
    async for moment in shelf.prepare(name):
        if moment.words != said:
            said = moment.words
            typer.echo(f"  {moment.fraction:4.0%}  {said}", err=True)
