"""YAML files as plain values, with the line of everything in them.

Only data comes out: text, numbers, truth values, nothing, lists and mappings with text keys.
Aliases, tags and deep nesting, with which a few bytes of YAML can fill a machine's memory, are
faults, and so is a key written twice, of which YAML would silently keep the last.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path as FilePath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    NodeEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from somahub.catalog.faults import Fault, Path

MOST_BYTES: Final = 64 * 1024
_DEEPEST: Final = 12
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Document:
    """A file's mapping, and the line (from 1) at which each path in it stands."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of ``path``, or of the nearest thing around it that is in the file; 0 if none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


class _WrongError(Exception):
    def __init__(self, rule: str, line: int = 0) -> None:
        super().__init__(rule)
        self.rule, self.line = rule, line


def read(file: FilePath) -> tuple[Document | None, list[Fault]]:
    """The document in ``file``, and what is wrong with its YAML; no document where it has no mapping."""
    document = Document(str(file))
    faults: list[Fault] = []
    try:
        text = _text(file)
        _refuse_unsafe(text)
        root = _yaml().compose(text)
        if root is None:
            raise _WrongError("the file is empty")
        if not isinstance(root, MappingNode):
            raise _WrongError("must be a mapping (key: value)", _line(root))
        document.values = _mapping(root, (), document, faults)
    except _WrongError as wrong:
        return None, [Fault(document.file, wrong.line, (), wrong.rule)]
    return document, faults


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _text(file: FilePath) -> str:
    """The file's text. A named pipe is not waited for, nor a device read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _WrongError("is not a plain file")
            raw = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise _WrongError(f"cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise _WrongError(f"is larger than {MOST_BYTES // 1024} KiB, the most that a document may have")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _WrongError("is not UTF-8 text: save the file as UTF-8", line) from None


def _refuse_unsafe(text: str) -> None:
    """Raise at the first thing that is not YAML, or that is YAML but not plain data."""
    depth = documents = 0
    try:
        for event in _yaml().parse(text):
            line = event.start_mark.line + 1
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    raise _WrongError("begins with a % directive: remove it")
            elif isinstance(event, CollectionStartEvent):
                depth += 1
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if documents > 1:
                raise _WrongError("has a second document (---): one file holds one", line)
            if depth > _DEEPEST:
                raise _WrongError(f"is nested more than {_DEEPEST} deep", line)
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
                raise _WrongError("uses an anchor or alias (& or *): write the value out", line)
            if getattr(event, "tag", None):
                raise _WrongError("uses a tag (!): write the plain value", line)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(str(error.problem or error.context).split())
        raise _WrongError(f"is not YAML: {reason}", mark.line + 1 if mark else 0) from None
    except YAMLError as error:
        character = getattr(error, "character", None)
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        what = f"has the character {chr(character)!r}" if isinstance(character, int) else "is not YAML"
        raise _WrongError(f"{what}, which YAML does not allow", line) from None
    except (ValueError, ArithmeticError):
        raise _WrongError("is not YAML") from None


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _mapping(node: MappingNode, path: Path, document: Document, faults: list[Fault]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        key = key_node.value if isinstance(key_node, ScalarNode) else None
        if key is None:
            faults.append(Fault(document.file, line, path, "a key must be a word"))
            continue
        here = (*path, str(key))
        if here in document.lines:
            rule = f"is written twice, first on line {document.lines[here]}"
            faults.append(Fault(document.file, line, here, rule))
            continue
        document.lines[here] = line
        values[str(key)] = _value(value_node, here, document, faults)
    return values


def _value(node: Node, path: Path, document: Document, faults: list[Fault]) -> Any:
    if isinstance(node, MappingNode):
        return _mapping(node, path, document, faults)
    if isinstance(node, SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            document.lines[(*path, index)] = _line(item)
            items.append(_value(item, (*path, index), document, faults))
        return items
    return _scalar(str(node.tag).removeprefix(_TAG), str(node.value))


def _scalar(kind: str, text: str) -> str | bool | int | Decimal | None:
    """A plain value. Dates stay text; numbers with a point become exact decimals, not floats."""
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" | "float":
            try:
                number = Decimal(text)
            except InvalidOperation:
                return text
            return int(number) if kind == "int" and len(text) < 30 else number
        case _:
            return text
