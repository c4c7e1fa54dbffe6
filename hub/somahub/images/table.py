"""Which images there are, what each is built from, and by what tag a content is known. Reads sources, writes none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import trees
from somahub.local.venvs import PRODUCT

# Raise it when the same sources are built differently.
BUILDER = "1"

# The name, in the table's columns of what an image starts from, of what somebody else made.
DEBIAN = "debian"

_HANDED = ("images/base/as-here", "images/base/install")
_LAB = ("dlc", "napari", "notebook")  # in this order in tables; a lab's own follow


@dataclass(frozen=True, slots=True)
class Image:
    """One image. ``starts`` and ``uses`` are images by build argument; both are built first.

    What it starts from decides its content, as do ``inputs`` (paths of the source tree) and ``arguments``; what it only
    uses does not: an environment is the same, whatever version of somahub's code built it. ``layers``: one for each
    step of its Dockerfile, not one for all.
    """

    name: str
    title: str
    file: str
    inputs: tuple[str, ...]
    starts: tuple[tuple[str, str], ...]
    uses: tuple[tuple[str, str], ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    layers: bool = False
    shipped: bool = False


def table(root: Path) -> dict[str, Image]:
    """Every image of the source tree ``root``, each after what it needs; raises SetupError where none lies there."""
    if not (root / "images/base/slim.Dockerfile").is_file():
        raise SetupError(f"{root} holds no source tree of somahub (images/base)", "say which: --source DIRECTORY")
    apps = sorted(file.parent.name for file in root.glob("images/*/recipe.yaml") if file.parent.name != "session")
    apps.sort(key=lambda name: (*(name != known for known in _LAB), name))
    images = [
        _base("slim", "Python and an init", (), ("DEBIAN", DEBIAN)),
        _base("runtime", "The desktop", ("requirements/system.txt",), ("SLIM", "slim")),
        _base("tools", "What builds", ("requirements/hub.txt", "requirements/uv.txt"), ("SLIM", "slim")),
        _base("builder", "What builds somahub", PRODUCT, ("TOOLS", "tools")),
        _base("sample", "The sample project", _SAMPLE, ("TOOLS", "tools")),
        _lock("hub", "cluster.txt"),
        _beside_the_hub("hub", "The hub"),
        _lock("service", "service.txt"),
        _beside_the_hub("service", "The service beside the hub"),
        _environment(root, "session", "runtime"),
        _session("session", "What every session runs"),
    ]
    for app in apps:
        images += [_environment(root, app, "session-environment"), _session(app, f"A session with {app}")]
    return {image.name: image for image in images}


_SAMPLE = ("hub/somahub/__init__.py", "hub/somahub/errors.py", "hub/somahub/model.py", "hub/somahub/sample")


def _base(name: str, title: str, inputs: tuple[str, ...], start: tuple[str, str]) -> Image:
    file = f"images/base/{name}.Dockerfile"
    return Image(name, title, file, (file, *_HANDED, *inputs), (start,))


def _lock(name: str, lock: str) -> Image:
    """What the hub or the service needs, without somahub's own code."""
    file = "images/base/lock.Dockerfile"
    return Image(
        f"{name}-environment",
        f"What the {name} needs",
        file,
        (file, *_HANDED, f"requirements/{lock}"),
        (("SLIM", "slim"),),
        (("TOOLS", "tools"),),
        (("NAME", name), ("LOCK", lock)),
    )


def _beside_the_hub(name: str, title: str) -> Image:
    file = f"images/{name}/Dockerfile"
    starts = (("ENVIRONMENT", f"{name}-environment"), ("BUILDER", "builder"))
    return Image(name, title, file, (file,), starts, shipped=True)


def _environment(root: Path, name: str, start: str) -> Image:
    """A recipe's environment; a recipe may bring a Dockerfile of its own for it."""
    own = f"images/{name}/Dockerfile"
    file = own if name != "session" and (root / own).is_file() else "images/base/recipe.Dockerfile"
    files = trees.files(root, [f"images/{name}"])
    inputs = tuple(str(path.relative_to(root)) for path in files if path.name not in ("Dockerfile", "requirements.in"))
    return Image(
        f"{name}-environment",
        f"What {name} needs",
        file,
        (file, *_HANDED, *inputs),
        (("START", start),),
        (("BUILDER", "builder"),),
        (("APP", name),),
        layers=True,
    )


def _session(name: str, title: str) -> Image:
    file = "images/session/Dockerfile"
    starts = (("ENVIRONMENT", f"{name}-environment"), ("BUILDER", "builder"), ("SAMPLE", "sample"))
    return Image(name, title, file, (file,), starts, (), (("APP", name),), shipped=True)


def versions(images: Mapping[str, Image], root: Path, debian: str) -> dict[str, str]:
    """The tag of every image: 12 hexadecimal digits over all that decides its content, on the image ``debian``."""
    made = {DEBIAN: debian}
    for image in images.values():
        said = [BUILDER, image.name, *(f"{argument}={made[start]}" for argument, start in image.starts)]
        said += [f"{name}={value}" for name, value in image.arguments]
        said.append(trees.digest(root, image.inputs))
        made[image.name] = hashlib.sha256("\0".join(said).encode()).hexdigest()[:12]
    return {name: version for name, version in made.items() if name != DEBIAN}


def chosen(images: Mapping[str, Image], names: Iterable[str]) -> tuple[str, ...]:
    """The shipped images among ``names``, or all of them; raises SetupError for a name that is none."""
    shipped = tuple(name for name, image in images.items() if image.shipped)
    wanted = set(names)
    if unknown := sorted(wanted - set(shipped)):
        raise SetupError(f"no image is named {unknown[0]!r}", f"choose from {', '.join(shipped)}")
    return tuple(name for name in shipped if name in wanted) if wanted else shipped


def missing(images: Mapping[str, Image], wanted: Iterable[str], there: Callable[[str], bool]) -> tuple[str, ...]:
    """What must be built for ``wanted``, each after what it needs; what is ``there`` needs nothing."""
    needed: set[str] = set()

    def need(name: str) -> None:
        if name == DEBIAN or name in needed or there(name):
            return
        needed.add(name)
        for _, other in (*images[name].starts, *images[name].uses):
            need(other)

    for name in wanted:
        need(name)
    return tuple(name for name in images if name in needed)
