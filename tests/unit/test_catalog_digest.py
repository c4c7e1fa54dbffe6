"""A profile's digest stands for its content: that of its own document and of the hardware it offers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from somahub.catalog import load

Documents = dict[str, Any]
Digest = Callable[[dict[str, str]], str]

DOCUMENTS: Documents = {
    "hardware": {
        "small": {"title": "Small", "cpus": 2, "memory": "4 GiB"},
        "gpu": {"title": "GPU", "cpus": 4, "memory": "16 GiB", "gpus": 1},
        "other": {"title": "Other", "cpus": 8, "memory": "8 GiB"},
    },
    "deeplabcut": {
        "name": "deeplabcut",
        "title": "DeepLabCut",
        "description": "Label and train.",
        "app": "dlc",
        "opens": "desktop",
        "hardware": {"choices": ["small", "gpu"], "default": "gpu"},
    },
}
CHANGES: list[tuple[str, tuple[str, ...], st.SearchStrategy[Any]]] = [
    ("deeplabcut", ("title",), st.from_regex(r"[a-zA-Z]{1,40}", fullmatch=True)),
    ("deeplabcut", ("description",), st.from_regex(r"[a-zA-Z]{1,40}", fullmatch=True)),
    ("deeplabcut", ("app",), st.just("napari")),
    ("deeplabcut", ("opens",), st.just("notebook")),
    ("deeplabcut", ("hardware",), st.sampled_from([
        {"choices": ["small", "gpu"], "default": "small"}, {"choices": ["gpu", "small"], "default": "gpu"},
        {"choices": ["gpu"], "default": "gpu"}])),
    ("hardware", ("small", "title"), st.from_regex(r"[a-z]{1,40}", fullmatch=True)),
    ("hardware", ("small", "cpus"), st.integers(3, 900)),
    ("hardware", ("gpu", "memory"), st.integers(128, 900).map("{} MiB".format)),
    ("hardware", ("gpu", "gpus"), st.integers(2, 64)),
    ("hardware", ("gpu", "kubernetes"), st.from_regex(r"[a-z]{1,9}", fullmatch=True).map(
        lambda word: {"node_selector": {"pool": word}})),
]  # fmt: skip


def shuffled(value: Any, draw: st.DrawFn) -> Iterator[str]:
    """``value`` as lines of YAML: its keys in any order, with comments and blank lines between."""
    for key in draw(st.permutations(sorted(value))):
        yield from draw(st.sampled_from([[], ["# a comment"], [""]]))
        inner = value[key]
        if isinstance(inner, dict):
            yield f"{key}:"
            yield from ("  " + line for line in shuffled(inner, draw))
        else:
            quoted = inner.replace("'", "''") if isinstance(inner, str) else ""
            text = draw(st.sampled_from([f"'{quoted}'", f'"{inner}"'])) if isinstance(inner, str) else str(inner)
            yield f"{key}: {text}" + draw(st.sampled_from(["", "   # why"]))


@st.composite
def spellings(draw: st.DrawFn) -> dict[str, str]:
    return {name: "\n".join(shuffled(document, draw)) + "\n" for name, document in DOCUMENTS.items()}


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    name, path, values = draw(st.sampled_from(CHANGES))
    documents = copy.deepcopy(DOCUMENTS)
    target = documents[name]
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = draw(values)
    return documents


@pytest.fixture
def digest_of(tmp_path: Path) -> Digest:
    """Writes a catalogue and gives its one profile's digest."""
    for app in ("dlc", "napari"):
        (tmp_path / "images" / app).mkdir(parents=True)
        (tmp_path / "images" / app / "recipe.yaml").touch()
    directory = tmp_path / "profiles"
    directory.mkdir()
    prices = {name: [{"since": "2026-01-01", "usd_per_hour": 1}] for name in DOCUMENTS["hardware"]}
    (directory / "prices.yaml").write_text(json.dumps(prices))

    def digest(texts: dict[str, str]) -> str:
        for name, text in texts.items():
            (directory / f"{name}.yaml").write_text(text)
        return load(directory, tmp_path / "images").profiles["deeplabcut"].digest

    return digest


def plain(documents: Documents) -> dict[str, str]:
    # JSON is YAML.
    return {name: json.dumps(document) for name, document in documents.items()}


ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY
@given(texts=spellings())
def test_it_is_the_same_for_any_order_of_keys_any_comments_and_any_quotes(
    digest_of: Digest, texts: dict[str, str]
) -> None:
    assert digest_of(texts) == digest_of(plain(DOCUMENTS))


@ANY
@given(documents=changed())
def test_it_changes_with_any_value_of_the_profile_or_of_hardware_it_offers(
    digest_of: Digest, documents: Documents
) -> None:
    assert digest_of(plain(documents)) != digest_of(plain(DOCUMENTS))


def test_it_is_the_same_whatever_happens_to_hardware_that_the_profile_does_not_offer(digest_of: Digest) -> None:
    documents = copy.deepcopy(DOCUMENTS)
    documents["hardware"]["other"]["cpus"] = 16
    assert digest_of(plain(documents)) == digest_of(plain(DOCUMENTS))


def test_it_is_the_same_however_a_value_is_spelled(digest_of: Digest) -> None:
    documents = copy.deepcopy(DOCUMENTS)
    documents["hardware"]["small"] |= {"cpus": 2.0, "memory": "4096 MiB", "gpus": 0}
    assert digest_of(plain(documents)) == digest_of(plain(DOCUMENTS))
