"""A folder of documents as a catalogue: checked, with digests, in the words of :mod:`somahub.model`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from somahub.catalog.documents import HardwareDocument, ProfileDocument
from somahub.catalog.faults import Fault
from somahub.catalog.folder import Folder, read_folder
from somahub.catalog.references import check_references
from somahub.errors import CatalogError
from somahub.model import Hardware, Price, Profile, Toleration


@dataclass(frozen=True, slots=True)
class Catalog:
    """What can be offered: profiles and hardware by name, and prices by hardware, the oldest first."""

    profiles: Mapping[str, Profile]
    hardware: Mapping[str, Hardware]
    prices: Mapping[str, tuple[Price, ...]]


def check(directory: Path, apps: Path | frozenset[str]) -> list[Fault]:
    """Everything that is wrong with the catalogue in ``directory``; ``apps``: their names, or a folder of recipes.

    Faults are sorted by file and line. An empty list is a catalogue that :func:`load` accepts.
    """
    return _check(read_folder(directory, apps))


def check_lines(directory: Path, apps: Path | frozenset[str]) -> list[str]:
    """:func:`check`, each fault as the one line that a person reads."""
    return [str(fault) for fault in check(directory, apps)]


def load(directory: Path, apps: Path | frozenset[str]) -> Catalog:
    """The catalogue in ``directory``; raises :class:`CatalogError` with one line a fault if any is wrong."""
    folder = read_folder(directory, apps)
    faults = _check(folder)
    if faults or folder.hardware.model is None or folder.prices.model is None:
        raise CatalogError("\n".join(map(str, faults)), mend=f"somahub profiles check {directory}")
    classes = folder.hardware.model.root
    models = [source.model for source in folder.profiles if source.model is not None]
    return Catalog(
        profiles=MappingProxyType({model.name: _profile(model, classes) for model in models}),
        hardware=MappingProxyType({name: _hardware(name, model) for name, model in classes.items()}),
        prices=MappingProxyType(
            {
                name: tuple(Price(name, entry.since, entry.usd_per_hour) for entry in entries)
                for name, entries in folder.prices.model.root.items()
            }
        ),
    )


def pinned(catalog: Catalog, apps: Mapping[str, str]) -> Catalog:
    """The catalogue with profiles whose digests change with what is installed, too; ``apps``: a digest for each app."""
    return replace(
        catalog,
        profiles=MappingProxyType(
            {
                name: replace(profile, digest=_short(f"{profile.digest} {apps[profile.app]}"))
                for name, profile in catalog.profiles.items()
            }
        ),
    )


def digest(profile: ProfileDocument, classes: Mapping[str, HardwareDocument]) -> str:
    """12 hexadecimal digits that change with any content of the profile or of the hardware it offers."""
    content = {
        "profile": profile.model_dump(mode="json"),
        "hardware": {name: classes[name].model_dump(mode="json") for name in profile.hardware.choices},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return _short(text)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check(folder: Folder) -> list[Fault]:
    faults = [*folder.faults, *check_references(folder)]
    return sorted(faults, key=lambda fault: (fault.file, fault.line, str(fault)))


def _hardware(name: str, model: HardwareDocument) -> Hardware:
    return Hardware(
        name=name,
        title=model.title,
        cpus=model.cpus,
        memory=model.memory,
        gpus=model.gpus,
        node_selector=tuple(sorted(model.kubernetes.node_selector.items())),
        tolerations=tuple(
            Toleration(entry.key, entry.operator, entry.value, entry.effect) for entry in model.kubernetes.tolerations
        ),
    )


def _profile(model: ProfileDocument, classes: Mapping[str, HardwareDocument]) -> Profile:
    first = model.hardware.default
    return Profile(
        name=model.name,
        digest=digest(model, classes),
        title=model.title,
        description=model.description,
        app=model.app,
        opens=model.opens,
        hardware=(first, *(name for name in model.hardware.choices if name != first)),
    )
