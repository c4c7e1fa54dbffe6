"""An environment goes into an image part by part, and is whole in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.environments import Environment, load
from somahub.images.environment import put, shares, sizes

ROOT = Path(__file__).parents[2]


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 2**40)), st.integers(1, 5))
def test_every_file_is_in_one_part_and_parts_are_about_alike(found: dict[str, int], of: int) -> None:
    parts = shares(found, of)
    assert len(parts) == of
    assert [name for part in parts for name in part] == list(found)
    whole, largest = sum(found.values()), max(found.values(), default=0)
    assert all(sum(found[name] for name in part) <= whole / of + largest for part in parts)


def test_all_parts_together_are_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load(ROOT / "images/napari")
    source = Environment.of(recipe, tmp_path).folder
    for number in range(20):
        file = source / f"lib/of many/{number % 3}/{number}\n.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 1000 * number)
    (source / "bin").mkdir()
    (source / "bin/python").symlink_to("/usr/bin/python3")
    (source / "lib64").symlink_to("lib")
    (source / "empty").mkdir()
    place = tmp_path / "place"
    monkeypatch.setattr(type(recipe), "inside", property(lambda _: str(place)))
    for part in (1, 2, 3):
        put(recipe, tmp_path, part, 3)
    assert sizes(place) == sizes(source)
    assert (place / "bin/python").readlink() == Path("/usr/bin/python3")
    assert (place / "lib64").is_symlink()
    assert (place / "empty").is_dir()
