"""The reference page and the schema say the same, of every value."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.chart.charts import CHART, ROOT

TOOL = CHART / "tools/reference.py"
# What helm itself, or a chart of its own, gives a meaning to.
FREE = {"jupyterhub", "dask-gateway"}


def _tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


def _paths(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        yield here
        if isinstance(value, dict):
            yield from _paths(value, here)


def test_the_schema_and_the_page_are_what_their_source_makes() -> None:
    """Whoever changes values.schema.yaml runs the tool."""
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), "run python helm/somahub/tools/reference.py"


def test_every_value_of_our_own_has_a_rule_a_meaning_and_a_row() -> None:
    """values.yaml, the schema and docs/chart.md name the same ones."""
    tool = _tool()
    schema, values = tool["read"]("values.schema.yaml"), tool["read"]("values.yaml")
    page = (ROOT / "docs/chart.md").read_text()
    assert list(tool["undocumented"](schema)) == []
    ours = {key: value for key, value in values.items() if key not in FREE}
    assert [path for path in _paths(ours) if f"| `{path}` |" not in page] == []
    assert set(schema["required"]) == set(values)


def test_nothing_of_our_own_is_open() -> None:
    """Every map names what may stand in it; of what the charts below have, only what somahub rests on is named."""

    def open_maps(schema: dict[str, Any], path: str) -> Iterator[str]:
        closed = schema.get("additionalProperties") is False or isinstance(schema.get("additionalProperties"), dict)
        if schema.get("type") == "object" and not closed:
            yield path
        children = {**schema.get("properties", {}), **schema.get("patternProperties", {})}
        if "items" in schema:
            children["[]"] = schema["items"]
        for key, sub in children.items():
            if path or key not in FREE | {"global"}:
                yield from open_maps(sub, f"{path}.{key}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert list(open_maps(schema, "")) == []


def test_the_defaults_keep_to_what_is_fixed() -> None:
    """A fixed value is the default, so that nobody has to write it."""

    def differing(schema: dict[str, Any], values: Any, path: str) -> Iterator[str]:
        for key, sub in schema.get("properties", {}).items():
            has = isinstance(values, dict) and key in values
            if "const" in sub and has and values[key] != sub["const"]:
                yield f"{path}.{key}"
            if key in schema.get("required", []) and not has:
                yield f"{path}.{key} is missing"
            if has:
                yield from differing(sub, values[key], f"{path}.{key}")

    tool = _tool()
    assert list(differing(tool["read"]("values.schema.yaml"), tool["read"]("values.yaml"), "")) == []
