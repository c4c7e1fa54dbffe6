"""The reference of the API as a page shows it, from its OpenAPI document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field of what is sent or answered. ``fields`` are those of the objects in it."""

    name: str
    kind: str
    description: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What may come back."""

    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    method: str
    path: str
    summary: str
    description: str
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    answers: tuple[Answer, ...]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Everything in an OpenAPI document, in its order."""
    return [
        _operation(document, method.upper(), path, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    ]


def _operation(document: Mapping[str, Any], method: str, path: str, said: Mapping[str, Any]) -> Operation:
    responses = said["responses"]
    success = next(status for status in sorted(responses) if status.startswith("2"))
    return Operation(
        method=method,
        path=path,
        summary=said["summary"],
        description=said.get("description", ""),
        body=tuple(_fields(document, said.get("requestBody", {}))),
        answer=tuple(_fields(document, responses[success])),
        answers=tuple(Answer(status, responses[status]["description"]) for status in sorted(responses)),
    )


def _fields(document: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[Field]:
    schema = content.get("content", {}).get("application/json", {}).get("schema", {})
    yield from _of(document, schema)


def _of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Field]:
    """The fields of an object, or of the objects in a list."""
    resolved = _resolved(document, schema)
    if resolved.get("type") == "array":
        resolved = _resolved(document, resolved["items"])
    for name, field in resolved.get("properties", {}).items():
        inner = _resolved(document, field)
        yield Field(name, _kind(document, field), inner.get("description", ""), tuple(_of(document, field)))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not reference:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return found


def _kind(document: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    """A field's type in words."""
    if either := field.get("anyOf"):
        return " or ".join(_kind(document, one) for one in either)
    resolved = _resolved(document, field)
    if values := resolved.get("enum"):
        return " or ".join(f'"{value}"' for value in values)
    if resolved.get("type") == "array":
        return "list"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        str(resolved.get("type")), str(resolved.get("type", ""))
    )
