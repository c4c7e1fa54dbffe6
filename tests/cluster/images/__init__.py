"""The images of a lab: somahub's own, and stand-ins for those that the charts take from registries elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from somahub.errors import SetupError
from somahub.images import debian, engine, table
from somahub.images.command import BASE, WAITING, Builder, copied, scratch
from somahub.images.engine import Engine
from somahub.images.table import Image
from somahub.local.turns import alone

ROOT = Path(__file__).parents[3]
OTHERS = ("proxy", "traefik", "dask-gateway")


def build(*names: str) -> dict[str, str]:
    """Build somahub's images of these names, or all that are shipped; returns each one's name in podman's store."""
    return _build(table.table(ROOT), names)


def stand_in(name: str) -> str:
    """Build one of :data:`OTHERS`; returns its name in podman's store, ``localhost/somahub-test-NAME:1``."""
    images = table.table(ROOT)
    file = f"tests/cluster/images/{name}/Dockerfile"
    image = Image(
        f"test-{name}",
        f"A lab's {name}",
        file,
        (file, "images/base/as-here"),
        (("SLIM", "slim"), ("TOOLS", "tools")),
        shipped=True,
    )
    built = _build({**images, image.name: image}, [image.name])[image.name]
    named = f"{built.rpartition(':')[0]}:1"
    _engine().tag(built, named)
    return named


def _build(images: dict[str, Image], names: Sequence[str]) -> dict[str, str]:
    made = _engine()
    with alone(made.scratch, WAITING), tempfile.TemporaryDirectory(dir=made.scratch) as place:
        return Builder(images, copied(images, ROOT, Path(place)), made, base(made)).build(names)


def _engine() -> Engine:
    return engine.choose("podman", scratch())


def base(made: Engine) -> str:
    """Debian's own image where its registry can be reached; else one from its packages."""
    if made.find(debian.NAME):
        return debian.NAME
    try:
        made.pull(BASE)
        return BASE
    except SetupError:
        debian.make(made)
        return debian.NAME
