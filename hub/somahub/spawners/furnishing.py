"""A new bucket: a folder with the sample project in it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from pathlib import Path

from somahub.errors import SomahubError

_drawing = asyncio.Lock()


async def template(place: Path) -> Path:
    """The folder that new buckets are copies of, drawn once: it takes ten seconds of a core.

    Raises SomahubError when it cannot be written. Drawn by a process of its own: the hub need not load what draws it.
    """
    async with _drawing:
        if not await asyncio.to_thread(place.is_dir):
            await _draw(place)
    return place


async def furnish(bucket: Path, template: Path) -> None:
    """Make a bucket as a copy of the template; it appears whole or not at all. Raises SomahubError."""
    partial = bucket.with_name(f".{bucket.name}.partial")
    try:
        await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        await asyncio.to_thread(shutil.copytree, template, partial)
        partial.chmod(0o700)
        # Somebody's second session may have been quicker.
        with contextlib.suppress(FileExistsError):
            partial.rename(bucket)
    except OSError as error:
        line = f"the bucket {bucket.name} could not be made: {error.strerror or error}"
        raise SomahubError(line, mend="an administrator frees some space, then start again") from error


async def _draw(place: Path) -> None:
    partial = place.with_name(f"{place.name}.partial")
    await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
    drawing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "somahub.cli", "sample", str(partial)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await drawing.communicate()
    if drawing.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        line = f"the sample project could not be made: {' '.join(last)}"
        raise SomahubError(line, mend="an administrator frees some space, then start again")
    partial.rename(place)
