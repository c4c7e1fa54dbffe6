"""Make values.schema.json and docs/chart.md of values.schema.yaml and values.yaml. ``reference.py [--check]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CHART = Path(__file__).resolve().parents[1]
DOCUMENT = CHART.parents[1] / "docs/chart.md"
_HEAD = """\
# The chart's values

Made of `helm/somahub/values.schema.yaml` by `python helm/somahub/tools/reference.py`; change it there. How to install:
[Kubernetes](kubernetes.md).

A value that breaks its rule is refused before anything changes, with one line that names it. *Fixed* values are what
somahub rests on. Where a default is a list, one of yours takes its place as a whole; maps are merged.

| value | default | rule | meaning |
|---|---|---|---|
"""


def read(name: str) -> dict[str, Any]:
    """A YAML file of the chart, as plain dictionaries and lists."""
    read: dict[str, Any] = YAML(typ="safe", pure=True).load(CHART / name)
    return read


def schema_json(schema: dict[str, Any]) -> str:
    """The text of values.schema.json."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def document(schema: dict[str, Any], values: dict[str, Any]) -> str:
    """The text of docs/chart.md: a row for each value of the schema, in its order."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in _rows("", schema, values))


def undocumented(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of values that have no description."""
    for key, sub in _children(schema):
        here = f"{path}.{key}" if path else key
        if not sub.get("description"):
            yield here
        yield from undocumented(sub, here)


def _children(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from schema.get("properties", {}).items()
    for sub in schema.get("patternProperties", {}).values():
        yield "NAME", sub
    if "properties" in schema.get("items", {}):
        yield "[]", schema["items"]


_NOTHING: Any = object()


def _rows(path: str, schema: dict[str, Any], values: Any) -> Iterator[tuple[str, ...]]:
    for key, sub in _children(schema):
        here = f"{path}{key}" if key == "[]" else f"{path}.{key}".lstrip(".")
        default = values.get(key, _NOTHING) if isinstance(values, dict) else _NOTHING
        shown = "" if _nested(sub) else _default(default)
        yield f"`{here}`", shown, _rule(sub), " ".join(sub["description"].split()).replace("|", "\\|")
        yield from _rows(here, sub, default)


def _nested(schema: dict[str, Any]) -> bool:
    return bool(schema.get("properties"))


def _default(value: Any) -> str:
    if value is _NOTHING:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= 100 else text[:99] + '…'}`"


def _rule(schema: dict[str, Any]) -> str:
    """A value's rule in words."""
    if "const" in schema:
        return "fixed"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{json.dumps(word)}`" for word in schema["enum"])
    kinds = schema.get("type", "")
    words = [" or ".join(kinds) if isinstance(kinds, list) else kinds]
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if schema.get("maxItems") == 0:
        words.append("empty")
    if "pattern" in schema:
        escaped = schema["pattern"].replace("|", "\\|")
        words.append(f"`{escaped}`")
    return ", ".join(words)


def main(words: list[str]) -> int:
    """Write both files; with --check, only say which is stale."""
    schema, values = read("values.schema.yaml"), read("values.yaml")
    missing = list(undocumented(schema))
    if missing:
        print("without a description in values.schema.yaml:", ", ".join(missing))
        return 1
    stale = False
    for file, text in ((CHART / "values.schema.json", schema_json(schema)), (DOCUMENT, document(schema, values))):
        if file.is_file() and file.read_text() == text:
            continue
        stale = True
        if "--check" not in words:
            file.write_text(text)
        print(f"{file}: {'is stale' if '--check' in words else 'written'}")
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
