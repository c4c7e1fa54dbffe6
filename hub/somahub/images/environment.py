"""Inside a build: make a recipe's environment as one machine does, and put it where a session sees it, part by part.

In parts, because each becomes a layer of its own: several are pulled at once, and an engine that writes a layer three
times before it is done needs that much less room.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path

from somahub.environments import Environment, Recipe, follow, load
from somahub.errors import SomahubError


async def build(recipe: Recipe, cache: Path) -> None:
    """Build the environment below ``cache`` unless it is there, telling how far it is. Raises BuildError."""
    said = ""
    async for moment in follow(recipe, cache):
        if moment.words != said:
            said = moment.words
            print(f"{moment.fraction:4.0%} {said}", flush=True)


def put(recipe: Recipe, cache: Path, part: int, of: int) -> None:
    """Copy one part of the built environment to where a session sees it; ``part`` counts from 1."""
    source, place = Environment.of(recipe, cache).folder, Path(recipe.inside)
    place.mkdir(parents=True, exist_ok=True)
    names = shares(sizes(source), of)[part - 1]
    given = "\0".join(names).encode()
    command = ["xargs", "-0", "--no-run-if-empty", "cp", "-a", "--parents", "-t", str(place)]
    subprocess.run(command, input=given, cwd=source, check=True)


def sizes(folder: Path) -> dict[str, int]:
    """The bytes of everything below ``folder`` but of folders that hold something, by path from there, in order."""
    found = {}
    for top, folders, files in os.walk(folder):
        links = [name for name in folders if Path(top, name).is_symlink()]
        names = [*links, *files] if folders or files else ["."]
        for name in names:
            path = Path(top, name)
            found[str(path.relative_to(folder))] = path.lstat().st_size
    return dict(sorted(found.items()))


def shares(sizes: dict[str, int], of: int) -> list[list[str]]:
    """The paths in ``of`` parts of about the same size, each a stretch of the order that they are in."""
    whole, before = sum(sizes.values()), 0
    parts: list[list[str]] = [[] for _ in range(of)]
    for name, size in sizes.items():
        parts[min(of * before // whole, of - 1) if whole else 0].append(name)
        before += size
    return parts


def main() -> int:
    """The exit status is 0 when what was asked for is done."""
    words = argparse.ArgumentParser(prog="python -m somahub.images.environment", description=__doc__)
    words.add_argument("recipe", type=Path, help="the folder of the recipe")
    words.add_argument("cache", type=Path, help="the folder that holds environments and uv's cache")
    words.add_argument("--put", nargs=2, type=int, metavar=("PART", "OF"), help="copy a part of what is built")
    given = words.parse_args()
    try:
        recipe = load(given.recipe)
        if given.put:
            put(recipe, given.cache, *given.put)
        else:
            asyncio.run(build(recipe, given.cache))
    except SomahubError as error:
        print(f"error: {error} {error.mend}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
