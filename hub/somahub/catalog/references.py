"""What documents say of each other: every name that one uses must be somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from somahub.catalog.documents import PriceFile, ProfileDocument
from somahub.catalog.faults import NOTHING, Fault, Path, nearest, words
from somahub.catalog.folder import HARDWARE, Folder, Source
from somahub.catalog.reading import Document


def check_references(folder: Folder) -> Iterator[Fault]:
    """The faults between documents. What a file's own fault hides is not guessed at."""
    classes = None if folder.hardware.document is None else frozenset(folder.hardware.document.values)
    yield from _titles([folder.hardware.document], deep=True)
    yield from _titles([source.document for source in folder.profiles], deep=False)
    if classes is not None and folder.prices.document is not None:
        yield from _prices_and_hardware(folder.prices.document, classes)
    if folder.prices.model is not None and folder.prices.document is not None:
        yield from _price_order(folder.prices.document, folder.prices.model)
    for source in folder.profiles:
        if source.document is not None:
            yield from _profile(source, source.document, folder, classes)


def _titles(documents: list[Document | None], *, deep: bool) -> Iterator[Fault]:
    """Two cards, or two choices on a card, with one title cannot be told apart."""
    seen: dict[str, str] = {}
    for document in filter(None, documents):
        entries = [((name,), value) for name, value in document.values.items()] if deep else [((), document.values)]
        for prefix, values in entries:
            title = values.get("title") if isinstance(values, dict) else None
            if not isinstance(title, str):
                continue
            path: Path = (*prefix, "title")
            if title in seen:
                yield Fault(document.file, document.line(path), path, f"is taken by {seen[title]}", title)
            else:
                seen[title] = prefix[0] if prefix else document.file.rpartition("/")[2]


def _prices_and_hardware(prices: Document, classes: frozenset[str]) -> Iterator[Fault]:
    for name in prices.values:
        if name not in classes:
            rule = f"is no hardware: {HARDWARE} has {words(classes)}"
            yield Fault(prices.file, prices.line((name,)), (name,), rule, NOTHING, nearest(name, classes))
    for name in sorted(classes - prices.values.keys()):
        yield Fault(prices.file, 0, (name,), f"has no price: {HARDWARE} offers it")


def _price_order(document: Document, prices: PriceFile) -> Iterator[Fault]:
    for name, entries in prices.root.items():
        for index, (before, after) in enumerate(pairwise(entries), start=1):
            path: Path = (name, index, "since")
            if after.since <= before.since:
                rule = f"must be later than the price before it ({before.since.date()}): the oldest comes first"
                yield Fault(document.file, document.line(path), path, rule, after.since.date())


def _profile(
    source: Source[ProfileDocument],
    document: Document,
    folder: Folder,
    classes: frozenset[str] | None,
) -> Iterator[Fault]:
    apps = folder.apps

    def fault(path: Path, rule: str, value: Any, word: str = "") -> Fault:
        return Fault(document.file, document.line(path), path, rule, value, word)

    values = document.values
    name, app = values.get("name"), values.get("app")
    if isinstance(name, str) and name != source.file.stem:
        yield fault(("name",), f"must be the name of its file, {source.file.stem!r}", name)
    if apps is not None and isinstance(app, str) and app not in apps:
        yield fault(("app",), f"{folder.unknown}: there is {words(apps)}", app, nearest(app, apps))
    hardware = values.get("hardware")
    choices = hardware.get("choices") if isinstance(hardware, dict) else None
    if not isinstance(hardware, dict) or not isinstance(choices, list):
        return
    for index, choice in enumerate(choices):
        path: Path = ("hardware", "choices", index)
        if not isinstance(choice, str):
            continue
        if choice in choices[:index]:
            yield fault(path, "is offered twice", choice)
        elif classes is not None and choice not in classes:
            rule = f"is no hardware: {HARDWARE} has {words(classes)}"
            yield fault(path, rule, choice, nearest(choice, classes))
    default, offered = hardware.get("default"), [choice for choice in choices if isinstance(choice, str)]
    if isinstance(default, str) and default not in offered:
        rule = f"must be one of its choices, {words(offered)}"
        yield fault(("hardware", "default"), rule, default, nearest(default, offered))
