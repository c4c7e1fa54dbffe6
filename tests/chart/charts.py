"""The chart as helm renders it, whole with its dependencies or its own templates alone."""

from __future__ import annotations

import copy
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import helm_python
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm/somahub"
ARCHIVES = ("jupyterhub-4.4.0.tgz", "dask-gateway-2026.3.0.tgz")
NAMESPACE = "lab"
APPS = ("dlc", "napari", "notebook")

# What `make images` writes: the least that an operator gives.
GIVEN: dict[str, Any] = {
    "apps": {app: {"image": f"registry.test/somahub-{app}@sha256:{'0' * 63}{n}"} for n, app in enumerate(APPS)},
    "service": {"image": "registry.test/somahub-service:1"},
    "jupyterhub": {"hub": {"image": {"name": "registry.test/somahub-hub", "tag": "1"}}},
}
GATEWAY: dict[str, Any] = YAML(typ="safe", pure=True).load(CHART / "dask-gateway.yaml")


def archives() -> Path | None:
    """The folder with the dependencies' archives: SOMAHUB_CHARTS, or where `helm dependency build` put them."""
    given = os.environ.get("SOMAHUB_CHARTS")
    folder = Path(given) if given else CHART / "charts"
    missing = [name for name in ARCHIVES if not (folder / name).is_file()]
    if given:
        assert not missing, f"SOMAHUB_CHARTS: {given} has no {' and no '.join(missing)}"
    return None if missing else folder


def copied(folder: Path, dependencies: Path | None) -> Path:
    """A copy of the chart in ``folder``, with its dependencies' archives, or with none declared."""
    made = folder / "somahub"
    shutil.copytree(CHART, made, ignore=shutil.ignore_patterns("charts", "Chart.lock", "__pycache__"))
    if dependencies is None:
        declared = (made / "Chart.yaml").read_text()
        (made / "Chart.yaml").write_text(declared[: declared.index("dependencies:")])
    else:
        for name in ARCHIVES:
            (made / "charts").mkdir(exist_ok=True)
            shutil.copy(dependencies / name, made / "charts")
    return made


@dataclass(frozen=True)
class Rendered:
    """What helm would send to the cluster."""

    objects: tuple[dict[str, Any], ...]
    notes: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [made for made in self.objects if made["kind"] == kind]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The object of that kind and name; raises AssertionError where there is not exactly one."""
        found = [made for made in self.of(kind) if made["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} {kind} {name}"
        return found[0]

    def pods(self) -> dict[str, dict[str, Any]]:
        """``Kind/name`` of everything that makes pods → its pods' metadata and spec."""
        templates = {}
        for made in self.objects:
            if made["kind"] == "Pod":
                template = made
            elif "template" in made.get("spec", {}):
                template = made["spec"]["template"]
            else:
                continue
            templates[f"{made['kind']}/{made['metadata']['name']}"] = template
        return templates


def render(
    chart: Path,
    values: Mapping[str, Any] | None = None,
    release: str = "somahub",
    cluster: helm_python.Config | None = None,
    given: Mapping[str, Any] | None = None,
    upgrade: bool = False,
) -> Rendered:
    """Render a chart; ``cluster`` answers its look-ups. Raises helm's own error where it is refused."""
    merged = merge(GIVEN if given is None else given, values or {})
    with helm_python.Chart.load(chart) as loaded:
        if cluster is None:
            texts = loaded.render(merged, name=release, namespace=NAMESPACE, is_upgrade=upgrade, is_install=not upgrade)
        else:
            texts = cluster.render(loaded, merged, name=release, namespace=NAMESPACE)
    notes = next((text for path, text in texts.items() if path == "somahub/templates/NOTES.txt"), "")
    objects: list[dict[str, Any]] = []
    for path, text in texts.items():
        if path.endswith(".yaml"):
            objects += documents(text)
    return Rendered(tuple(objects), notes)


@lru_cache(maxsize=256)
def _documents(text: str) -> list[Any]:
    return [made for made in YAML(typ="safe", pure=True).load_all(text) if made]


def documents(text: str) -> list[Any]:
    """The documents of a YAML text that are not empty."""
    return copy.deepcopy(_documents(text))


def refusal(
    chart: Path, values: Mapping[str, Any], given: Mapping[str, Any] | None = None, upgrade: bool = False
) -> list[str]:
    """The lines by which helm says what is wrong with values; raises AssertionError where it finds nothing wrong."""
    try:
        render(chart, values, given=given, upgrade=upgrade)
    except (helm_python.HelmValuesError, helm_python.HelmRenderError) as error:
        text = str(error)
    else:
        raise AssertionError(f"accepted: {values}")
    # helm's own heads: which chart's schema, and which template a refusal in words stands in.
    head = r"(values don't meet .*:|somahub:|jupyterhub:|dask-gateway:|execution error at .*)"
    return [line for line in text.splitlines() if line.strip() and not re.fullmatch(head, line.strip())]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Maps merged as helm merges them: a list, a text or nothing takes the place of what was there."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else copy.deepcopy(value)
    return merged


def nested(path: str, value: Any) -> dict[str, Any]:
    """``a.b.c`` and a value as maps: ``{"a": {"b": {"c": value}}}``."""
    for key in reversed(path.split(".")):
        value = {key: value}
    made: dict[str, Any] = value
    return made
