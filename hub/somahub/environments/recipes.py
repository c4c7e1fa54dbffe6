"""Recipes: ``images/<app>/recipe.yaml``, read and checked, and the digest of what they install."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from somahub.errors import CatalogError
from somahub.model import APPS, SESSION_ENVIRONMENT

# The system's own Python: every sandbox sees it at this path.
PYTHON = Path("/usr/bin/python3")

# Raise it when the builder installs the same lock differently: every environment is built anew.
BUILDER = 1

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\r\n]*$")]
File = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Program(_Strict):
    """A program of the app that the desktop's launcher offers."""

    name: Name
    title: Line
    exec: Line
    icon: File
    comment: Line
    opens_at_start: bool = False


class Recipe(_Strict):
    """One app. ``size_gib`` is the measured size of its environment, in GiB: progress is told by it.

    ``from_source`` names the packages that have no wheel and may be built on this machine.
    """

    name: Name
    title: Line
    summary: Line
    size_gib: float = Field(gt=0, le=100)
    lock: File = "requirements.txt"
    from_source: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()
    folder: Path = Field(exclude=True)

    @property
    def lock_file(self) -> Path:
        """The hashed requirements, all of them."""
        return self.folder / self.lock

    @property
    def icon(self) -> Path:
        """The app's picture, an SVG."""
        return self.folder / f"{self.name}.svg"

    @property
    def share(self) -> Path:
        """Files that go into the environment's ``share/somahub``; it need not exist."""
        return self.folder / "share"

    @property
    def inside(self) -> str:
        """The path of the environment inside a session."""
        return SESSION_ENVIRONMENT if self.name == "session" else f"{APPS}/{self.name}"


def load(folder: Path) -> Recipe:
    """Read the recipe in ``folder``; raises CatalogError with one line a fault."""
    file = folder / "recipe.yaml"
    try:
        document = YAML(typ="safe", pure=True).load(file)
    except FileNotFoundError:
        raise CatalogError(f"{file}: there is no such file; every app's folder needs a recipe.yaml") from None
    except YAMLError as error:
        raise CatalogError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise CatalogError(f"{file}: must be a mapping with name, title, summary and size_gib, got {document!r}")
    if "folder" in document:
        raise CatalogError(f"{file}: folder: is not a key of a recipe, got {document['folder']!r}")
    try:
        recipe = Recipe.model_validate({**document, "folder": folder.resolve()})
    except ValidationError as error:
        raise CatalogError("\n".join(_line(file, fault) for fault in error.errors())) from None
    faults = _faults_beyond_the_schema(file, recipe)
    if faults:
        raise CatalogError("\n".join(faults))
    return recipe


def load_all(images: Path) -> dict[str, Recipe]:
    """Every recipe under ``images``, by app name; raises CatalogError with one line a fault."""
    recipes: dict[str, Recipe] = {}
    faults: list[str] = []
    for file in sorted(images.glob("*/recipe.yaml")):
        try:
            recipes[file.parent.name] = load(file.parent)
        except CatalogError as error:
            faults.append(str(error))
    if faults:
        raise CatalogError("\n".join(faults))
    if not recipes:
        raise CatalogError(f"{images}: holds no recipe (<app>/recipe.yaml)")
    return recipes


def digest(recipe: Recipe, wheel: Path | None = None, python: Path = PYTHON) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of everything that decides what is installed."""
    programs = [program.model_dump() for program in recipe.programs]
    said = [BUILDER, python_minor(python), recipe.name, recipe.title, sorted(recipe.from_source), programs]
    whole = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    files = [recipe.lock_file, *_icons(recipe), *sorted(p for p in recipe.share.rglob("*") if p.is_file())]
    for file in files:
        whole.update(f"\0{file.relative_to(recipe.folder)}\0".encode())
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    if wheel is not None:
        whole.update(b"\0wheel\0" + hashlib.sha256(wheel.read_bytes()).digest())
    return whole.hexdigest()[:12]


@cache
def python_minor(python: Path) -> str:
    """The minor version of an interpreter, as ``3.11``."""
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", say], check=True, capture_output=True, text=True).stdout.strip()


def _icons(recipe: Recipe) -> list[Path]:
    return [recipe.folder / icon for icon in sorted({program.icon for program in recipe.programs})]


def _line(file: Path, fault: Any) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    got = "" if fault["type"] == "missing" else f", got {fault['input']!r}"
    rules = {"missing": "is required", "extra_forbidden": "is not a key of a recipe"}
    rule = rules.get(fault["type"], fault["msg"][0].lower() + fault["msg"][1:])
    return f"{file}: {path}: {rule}{got}"


def _faults_beyond_the_schema(file: Path, recipe: Recipe) -> list[str]:
    faults = []
    if recipe.name != recipe.folder.name:
        faults.append(f"{file}: name: must be the folder's name, {recipe.folder.name!r}, got {recipe.name!r}")
    elif not recipe.icon.is_file():
        faults.append(f"{file}: name: needs its icon beside recipe.yaml, {recipe.icon.name!r}")
    for path, name in [("lock", recipe.lock), *((f"programs.{i}.icon", p.icon) for i, p in enumerate(recipe.programs))]:
        if not (recipe.folder / name).is_file():
            faults.append(f"{file}: {path}: must name a file beside recipe.yaml, got {name!r}")
    names = [program.name for program in recipe.programs]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"{file}: programs: names must differ, got {twice!r} twice")
    if (recipe.folder / recipe.lock).is_file():
        bare = _unhashed(recipe.lock_file.read_text())
        if bare:
            faults.append(f"{file}: lock: every package must be pinned by == and --hash, got {bare!r}")
    return faults


def _unhashed(lock: str) -> str | None:
    """The first requirement of a lock that is not pinned and hashed."""
    for requirement in lock.replace("\\\n", " ").splitlines():
        words = requirement.split("#")[0].strip()
        if words and not re.match(r"^[A-Za-z0-9._\[\],-]+==\S+.*--hash=sha256:[0-9a-f]{64}", words):
            return " ".join(words.split())[:80]
    return None
