"""A catalogue's folder: which files it has, each read and validated for itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final, Generic

from somahub.catalog.documents import HardwareFile, PriceFile, ProfileDocument
from somahub.catalog.faults import Fault
from somahub.catalog.reading import Document, read
from somahub.catalog.validation import Model, validate

HARDWARE: Final = "hardware.yaml"
PRICES: Final = "prices.yaml"
# The recipe of what runs in every session beside its app: not an app that a profile can offer.
_SESSION: Final = "session"


@dataclass(slots=True)
class Source(Generic[Model]):
    """One file as read, and as its model; each is None where a fault stands in the way."""

    file: FilePath
    document: Document | None
    model: Model | None


@dataclass(slots=True)
class Folder:
    """What a catalogue's folder holds, with the faults found in each file on its own.

    ``apps`` are the names that a profile can be of, or None where they could not be read; ``unknown`` says what is
    wrong with another one.
    """

    apps: frozenset[str] | None
    unknown: str
    hardware: Source[HardwareFile]
    prices: Source[PriceFile]
    profiles: list[Source[ProfileDocument]]
    faults: list[Fault]


def read_folder(directory: FilePath, apps: FilePath | frozenset[str]) -> Folder:
    """Everything in ``directory``; ``apps`` are the names that there are, or a folder of recipes."""
    faults: list[Fault] = []
    files = _entries(directory, faults)
    known, unknown = _apps(apps, faults)
    hardware, prices = directory / HARDWARE, directory / PRICES
    profiles = [file for file in files or [] if file.suffix == ".yaml" and file not in (hardware, prices)]
    if files is not None and not profiles:
        faults.append(Fault(str(directory), 0, (), "has no profile: is it the right folder?"))
    for file in files or []:
        if file.suffix == ".yml":
            faults.append(Fault(str(file), 0, (), "is not read: rename it to end in .yaml"))
    # A folder that cannot be read is one fault, not one more for each file that is looked for in it.
    sink: list[Fault] = [] if files is None else faults
    return Folder(
        known,
        unknown,
        _source(HardwareFile, hardware, sink),
        _source(PriceFile, prices, sink),
        [_source(ProfileDocument, file, faults) for file in profiles],
        faults,
    )


def _apps(apps: FilePath | frozenset[str], faults: list[Fault]) -> tuple[frozenset[str] | None, str]:
    if isinstance(apps, frozenset):
        return apps, "has no image under apps in the chart's values"
    recipes = _entries(apps, faults)
    known = None if recipes is None else frozenset(recipe.name for recipe in recipes if _is_app(recipe))
    return known, "has no recipe under images"


def _entries(directory: FilePath, faults: list[Fault]) -> list[FilePath] | None:
    """What lies in a folder, without what is hidden, by name; None with a fault if that cannot be read."""
    try:
        return sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        faults.append(Fault(str(directory), 0, (), f"cannot be read: {error.strerror}"))
        return None


def _is_app(recipe: FilePath) -> bool:
    try:
        return recipe.name != _SESSION and (recipe / "recipe.yaml").is_file()
    except OSError:
        return False


def _source(kind: type[Model], file: FilePath, faults: list[Fault]) -> Source[Model]:
    document, wrong = read(file)
    model = None
    if document is not None:
        model, invalid = validate(kind, document)
        wrong += invalid
    faults += wrong
    return Source(file, document, None if wrong else model)
