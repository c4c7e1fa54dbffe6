"""All environments of one machine: what a session of an app needs, and whether it is there yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from somahub.environments.ensure import follow
from somahub.environments.places import Environment
from somahub.environments.progress import Progress
from somahub.environments.recipes import Recipe, load, load_all
from somahub.model import App

SESSION = "session"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The recipes and where they are built; ``wheel`` is somahub's own, for the session's environment."""

    recipes: dict[str, Recipe]
    folder: Path
    wheel: Path

    def environment(self, name: str) -> Environment:
        """The environment of an app, or of every session (:data:`SESSION`)."""
        return _environment(self.recipes[name].folder, self.folder, self.wheel if name == SESSION else None)

    def app(self, name: str) -> App:
        """The app, with the digest of what would be installed now."""
        return App(name, self.environment(name).digest)

    async def prepare(self, name: str) -> AsyncIterator[Progress]:
        """Build what a session of an app lacks, with every moment of it; nothing where nothing is lacking.

        Raises BuildError with one line when a build fails.
        """
        for needed in (SESSION, name):
            if self.environment(needed).ready:
                continue
            async for moment in follow(self.recipes[needed], self.folder, self.wheel if needed == SESSION else None):
                yield moment

    def note(self, name: str) -> str:
        """What a card says of an app's first start; nothing when it is built."""
        if self.environment(name).ready:
            return ""
        return f"First start installs {self.recipes[name].size_gib:.2g} GiB; takes some minutes."


def open_shelf(images: Path, folder: Path, wheel: Path) -> Shelf:
    """Read the recipes under ``images``; raises CatalogError with one line a fault."""
    return Shelf(load_all(images), folder, wheel)


@cache
def _environment(recipe: Path, folder: Path, wheel: Path | None) -> Environment:
    # The digest reads whole locks; a hub's recipes do not change while it runs.
    return Environment.of(load(recipe), folder, wheel)
