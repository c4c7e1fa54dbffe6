"""A catalogue says, in one line a fault, what is wrong with it; one that is right loads."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from somahub.catalog import check_lines, load
from somahub.catalog.faults import render_path
from somahub.catalog.reading import MOST_BYTES
from somahub.errors import CatalogError
from somahub.model import Toleration

REPOSITORY = Path(__file__).parents[2]

HARDWARE = """\
small:
  title: Small
  cpus: 2
  memory: 4 GiB
gpu:
  title: GPU
  cpus: 4
  memory: 16 GiB
  gpus: 1
"""
PRICES = """\
small:
  - since: 2026-01-01
    usd_per_hour: "0.04"
gpu:
  - since: 2026-01-01
    usd_per_hour: "1.00"
  - since: 2026-06-01
    usd_per_hour: "0.844"
"""
PROFILE = """\
name: deeplabcut
title: DeepLabCut
description: Label and train.
app: dlc
opens: desktop
hardware:
  choices: [small, gpu]
  default: gpu
"""


def write(folder: Path, **changes: str | bytes) -> tuple[Path, Path]:
    """A right catalogue in ``folder``, with some of its files changed; its directory and its images."""
    files = {"hardware": HARDWARE, "prices": PRICES, "deeplabcut": PROFILE} | changes
    directory, images = folder / "profiles", folder / "images"
    directory.mkdir()
    for app in ("dlc", "napari", "session"):
        (images / app).mkdir(parents=True)
        (images / app / "recipe.yaml").touch()
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (directory / (name if "." in name else f"{name}.yaml")).write_bytes(raw)
    return directory, images


def lines(directory: Path, images: Path) -> list[str]:
    return [line.replace(f"{directory.parent}/", "") for line in check_lines(directory, images)]


def swap(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def profile(old: str, new: str) -> dict[str, str]:
    return {"deeplabcut": swap(PROFILE, (old, new))}


def hardware(old: str, new: str) -> dict[str, str]:
    return {"hardware": swap(HARDWARE, (old, new))}


def prices(old: str, new: str) -> dict[str, str]:
    return {"prices": swap(PRICES, (old, new))}


def kubernetes(text: str) -> dict[str, str]:
    return {"hardware": HARDWARE + f"  kubernetes:\n{text}"}


P, H, M = "profiles/deeplabcut.yaml", "profiles/hardware.yaml", "profiles/prices.yaml"
WRONG: list[tuple[dict[str, Any], str]] = [
    # The file itself.
    ({"deeplabcut": ""}, f"{P}: the file is empty"),
    ({"deeplabcut": "# later\n"}, f"{P}: the file is empty"),
    ({"deeplabcut": "- a\n"}, f"{P}:1: must be a mapping (key: value)"),
    (profile("title: DeepLabCut", "title: Deep: Lab"), f"{P}:2: is not YAML: mapping values are not allowed here"),
    (profile("title:", "\ttitle:"), f"{P}:2: is not YAML: found character '\\t' that cannot start any token"),
    (profile("[small, gpu]", "[small, gpu"), f"{P}:8: is not YAML: expected ',' or ']', but got ':'"),
    (profile("DeepLabCut", "Deep\x07Cut"), f"{P}:2: has the character '\\x07', which YAML does not allow"),
    ({"deeplabcut": PROFILE.encode() + b"# caf\xe9\n"}, f"{P}:9: is not UTF-8 text: save the file as UTF-8"),
    (profile("title: DeepLabCut", "title: a\ntitle: b"), f"{P}:3: title: is written twice, first on line 2"),
    (profile("title: D", "title: &x D"), f"{P}:2: uses an anchor or alias (& or *): write the value out"),
    (profile("title: D", "title: !!python/name:os.system D"), f"{P}:2: uses a tag (!): write the plain value"),
    ({"deeplabcut": PROFILE + "---\na: 1\n"}, f"{P}:9: has a second document (---): one file holds one"),
    ({"deeplabcut": "%YAML 1.1\n---\n" + PROFILE}, f"{P}: begins with a % directive: remove it"),
    ({"deeplabcut": "a: " + "[" * 50_000}, f"{P}:1: is nested more than 12 deep"),
    ({"deeplabcut": "#" * (MOST_BYTES + 1)}, f"{P}: is larger than 64 KiB, the most that a document may have"),
    ({"napari.yml": PROFILE}, "profiles/napari.yml: is not read: rename it to end in .yaml"),
    # Keys.
    (profile("title:", "titel:"), f"{P}:2: titel: is not a known key; did you mean 'title'?"),
    (profile("  choices:", "  choice:"), f"{P}:7: hardware.choice: is not a known key; did you mean 'choices'?"),
    (profile("opens:", "colour: red\nopens:"), f"{P}:5: colour: is not a known key"),
    (profile("app: dlc\n", ""), f"{P}: app: is missing"),
    (profile("  default: gpu\n", ""), f"{P}:6: hardware.default: is missing"),
    (profile("opens:", "? [a]\n: b\nopens:"), f"{P}:5: a key must be a word"),
    (hardware("  gpus: 1", "  gpu: 1"), f"{H}:9: gpu.gpu: is not a known key; did you mean 'gpus'?"),
    (prices('usd_per_hour: "0.04"', "usd_per_hours: 1"),
     f"{M}:3: small[0].usd_per_hours: is not a known key; did you mean 'usd_per_hour'?"),
    # Values.
    (profile("opens: desktop", "opens: dekstop"),
     f"{P}:5: opens: must be 'desktop' or 'notebook', got 'dekstop'; did you mean 'desktop'?"),
    (profile("title: DeepLabCut", "title: 3"), f"{P}:2: title: must be text: put it in quotes, got 3"),
    (profile("title: DeepLabCut", "title: ' '"), f"{P}:2: title: must not be empty, got ' '"),
    (profile("title: DeepLabCut", "title:"), f"{P}:2: title: must be text, got nothing"),
    (profile("title: DeepLabCut", 'title: "a\\u202Eb"'),
     f"{P}:2: title: must have only characters that can be seen, got 'a\\u202eb'"),
    (profile("title: DeepLabCut", f"title: {'x' * 61}"),
     f"{P}:2: title: must have at most 60 characters, got '{'x' * 58}…"),
    (profile("[small, gpu]", "small"), f"{P}:7: hardware.choices: must be a list, got 'small'"),
    (profile("[small, gpu]", "[small, gpu, [gpu]]"), f"{P}:7: hardware.choices[2]: must be text, got a list"),
    (hardware("cpus: 2", "cpus: two"), f"{H}:3: small.cpus: must be a number, got 'two'"),
    (hardware("cpus: 2", "cpus: true"), f"{H}:3: small.cpus: must be a number, got true"),
    (hardware("cpus: 2", "cpus: 0"), f"{H}:3: small.cpus: must be 0.1 or more, got 0"),
    (hardware("4 GiB", "4 GB"), f"{H}:4: small.memory: must be a size in MiB, GiB or TiB, such as 4 GiB, got '4 GB'"),
    (hardware("4 GiB", "4"), f"{H}:4: small.memory: must be a size with its unit, such as 4 GiB, got 4"),
    (hardware("4 GiB", "1 MiB"), f"{H}:4: small.memory: must be between 128 MiB and 64 TiB, got '1 MiB'"),
    (hardware("gpus: 1", "gpus: 0.5"), f"{H}:9: gpu.gpus: must be a whole number, got 0.5"),
    (hardware("gpus: 1", "gpus: -1"), f"{H}:9: gpu.gpus: must be 0 or more, got -1"),
    (hardware("gpus: 1", "gpus: " + "9" * 5000), f"{H}:9: gpu.gpus: must be a whole number, got {'9' * 59}…"),
    (hardware("  cpus: 4\n", ""), f"{H}:5: gpu.cpus: is missing"),
    (hardware("gpu:\n  title: GPU\n  cpus: 4\n  memory: 16 GiB\n  gpus: 1", "gpu:"),
     f"{H}:5: gpu: must be a mapping (key: value), got nothing"),
    (prices('"0.04"', '"a lot"'), f"{M}:3: small[0].usd_per_hour: must be dollars, such as 0.844, got 'a lot'"),
    (prices('"0.04"', "-0.04"), f"{M}:3: small[0].usd_per_hour: must be 0 or more, got -0.04"),
    (prices("2026-01-01", "2026-02-30"),
     f"{M}:2: small[0].since: must be a day that exists, written year-month-day, such as 2026-11-01, got '2026-02-30'"),
    (prices("2026-01-01", "1 May"),
     f"{M}:2: small[0].since: must be a day that exists, written year-month-day, such as 2026-11-01, got '1 May'"),
    (kubernetes("    node_selector: {gpu: true}\n"),
     f"{H}:11: gpu.kubernetes.node_selector.gpu: must be text: put it in quotes, got true"),
    (kubernetes("    node_selector: {/gpu: 'x'}\n"),
     f"{H}:11: gpu.kubernetes.node_selector['/gpu']: must be the key of a Kubernetes label, such as nvidia.com/gpu,"
     " got '/gpu'"),
    (kubernetes("    tolerations: [{key: a, operator: Exist, effect: NoSchedule}]\n"),
     f"{H}:11: gpu.kubernetes.tolerations[0].operator: must be 'Equal' or 'Exists', got 'Exist';"
     " did you mean 'Exists'?"),
    (kubernetes("    tolerations: [{key: a, effect: NoSchedule}]\n"),
     f"{H}:11: gpu.kubernetes.tolerations[0]: needs a value with the operator Equal, and none with Exists,"
     " got a mapping"),
    # What documents say of each other.
    (profile("name: deeplabcut", "name: dlc"), f"{P}:1: name: must be the name of its file, 'deeplabcut', got 'dlc'"),
    (profile("app: dlc", "app: napri"),
     f"{P}:4: app: has no recipe under images: there is 'dlc' or 'napari', got 'napri'; did you mean 'napari'?"),
    (profile("app: dlc", "app: session"),
     f"{P}:4: app: has no recipe under images: there is 'dlc' or 'napari', got 'session'"),
    (profile("[small, gpu]", "[smal, gpu]"),
     f"{P}:7: hardware.choices[0]: is no hardware: hardware.yaml has 'gpu' or 'small', got 'smal';"
     " did you mean 'small'?"),
    (profile("[small, gpu]", "[gpu, small, gpu]"), f"{P}:7: hardware.choices[2]: is offered twice, got 'gpu'"),
    (profile("default: gpu", "default: GPU"),
     f"{P}:8: hardware.default: must be one of its choices, 'gpu' or 'small', got 'GPU'; did you mean 'gpu'?"),
    ({"napari": swap(PROFILE, ("name: deeplabcut", "name: napari"))},
     "profiles/napari.yaml:2: title: is taken by deeplabcut.yaml, got 'DeepLabCut'"),
    (hardware("title: GPU", "title: Small"), f"{H}:6: gpu.title: is taken by small, got 'Small'"),
    (prices("gpu:", "gqu:"),
     f"{M}: gpu: has no price: hardware.yaml offers it\n"
     f"{M}:4: gqu: is no hardware: hardware.yaml has 'gpu' or 'small'; did you mean 'gpu'?"),
    (prices("2026-06-01", "2026-01-01"),
     f"{M}:7: gpu[1].since: must be later than the price before it (2026-01-01): the oldest comes first,"
     " got 2026-01-01"),
    ({"prices": "small: []\n" + PRICES[PRICES.index("gpu:"):]},
     f"{M}:1: small: must have at least one entry, got a list"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), WRONG, ids=[line.splitlines()[0][9:70] for _, line in WRONG])
def test_each_fault_is_one_line_that_says_where_what_and_the_nearest_word(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    directory, images = write(tmp_path, **changes)
    assert "\n".join(lines(directory, images)) == expected
    with pytest.raises(CatalogError) as caught:
        load(directory, images)
    assert str(caught.value).replace(f"{tmp_path}/", "") == expected


def test_all_faults_of_all_files_are_told_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    directory, images = write(
        tmp_path,
        deeplabcut=swap(PROFILE, ("title", "titel"), ("app: dlc", "app: dcl"), ("opens: desktop", "opens: 1")),
        hardware=swap(HARDWARE, ("cpus: 2", "cpus: -2"), ("memory: 16 GiB", "memory: lots")),
        prices=swap(PRICES, ("2026-06-01", "2025-06-01")),
    )
    found = [line.split(": ")[0] + " " + line.split(": ")[1] for line in lines(directory, images)]
    assert found == [f"{P}:2 titel", f"{P}:4 app", f"{P}:5 opens", f"{H}:3 small.cpus", f"{H}:8 gpu.memory",
                     f"{M}:7 gpu[1].since"]  # fmt: skip


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    directory, images = write(tmp_path)
    missing = tmp_path / "elsewhere"
    assert lines(missing, images) == ["elsewhere: cannot be read: No such file or directory"]
    assert lines(directory, missing) == ["elsewhere: cannot be read: No such file or directory"]
    assert check_lines(directory / "prices.yaml", images) == [
        f"{directory}/prices.yaml: cannot be read: Not a directory"
    ]


def test_a_folder_without_profiles_says_so(tmp_path: Path) -> None:
    directory, images = write(tmp_path)
    (directory / "deeplabcut.yaml").unlink()
    assert lines(directory, images) == ["profiles: has no profile: is it the right folder?"]


def test_missing_hardware_and_prices_are_one_line_each(tmp_path: Path) -> None:
    directory, images = write(tmp_path)
    (directory / "hardware.yaml").unlink()
    (directory / "prices.yaml").unlink()
    assert lines(directory, images) == [
        f"{H}: cannot be read: No such file or directory",
        f"{M}: cannot be read: No such file or directory",
    ]


def test_a_loop_of_links_a_folder_and_a_pipe_are_one_line_each_and_nothing_waits(tmp_path: Path) -> None:
    directory, images = write(tmp_path)
    (directory / "a.yaml").symlink_to("b.yaml")
    (directory / "b.yaml").symlink_to("a.yaml")
    (directory / "c.yaml").mkdir()
    os.mkfifo(directory / "d.yaml")
    assert lines(directory, images) == [
        "profiles/a.yaml: cannot be read: Too many levels of symbolic links",
        "profiles/b.yaml: cannot be read: Too many levels of symbolic links",
        "profiles/c.yaml: cannot be read: Is a directory",
        "profiles/d.yaml: is not a plain file",
    ]


def test_linked_files_as_kubernetes_mounts_them_and_notes_beside_them_are_fine(tmp_path: Path) -> None:
    directory, images = write(tmp_path)
    (directory / "..data").mkdir()
    (directory / "prices.yaml").rename(directory / "..data" / "prices.yaml")
    (directory / "prices.yaml").symlink_to("..data/prices.yaml")
    (directory / "README.md").write_text("notes")
    (directory / ".deeplabcut.yaml.swp").write_bytes(b"\xff")
    assert lines(directory, images) == []


def test_aliases_that_would_fill_the_memory_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    directory, images = write(tmp_path, deeplabcut=bomb)
    assert lines(directory, images) == [f"{P}:1: uses an anchor or alias (& or *): write the value out"]


def test_the_shipped_catalogue_is_right_and_each_of_its_choices_has_a_price() -> None:
    catalog = load(REPOSITORY / "spawner_profiles", REPOSITORY / "images")
    assert set(catalog.profiles) == {"deeplabcut", "napari", "notebook"}
    for offering in catalog.profiles.values():
        assert all(catalog.prices[choice] for choice in offering.hardware)
    assert catalog.prices["gpu"][-1].usd_per_hour == Decimal("0.844")


def test_a_right_catalogue_loads_in_the_words_of_the_model(tmp_path: Path) -> None:
    selector, toleration = "{pool: gpu}", "{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}"
    text = f"    node_selector: {selector}\n    tolerations: [{toleration}]\n"
    catalog = load(*write(tmp_path, **kubernetes(text)))
    offered = catalog.profiles["deeplabcut"]
    assert (offered.app, offered.opens, offered.title) == ("dlc", "desktop", "DeepLabCut")
    assert offered.hardware == ("gpu", "small"), "what the card starts with comes first"
    assert offered.version == f"deeplabcut@{offered.digest}"
    gpu = catalog.hardware["gpu"]
    assert (gpu.cpus, gpu.memory, gpu.gpus) == (4.0, 16 * 2**30, 1)
    assert gpu.node_selector == (("pool", "gpu"),)
    assert gpu.tolerations == (Toleration("nvidia.com/gpu", "Exists", None, "NoSchedule"),)
    assert [(price.since, price.usd_per_hour) for price in catalog.prices["gpu"]] == [
        (datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.00")),
        (datetime(2026, 6, 1, tzinfo=UTC), Decimal("0.844")),
    ]


@pytest.mark.parametrize(
    ("written", "size"), [("4 GiB", 2**32), ("4096MiB", 2**32), ("0.5 GiB", 2**29), ("2 TiB", 2**41)]
)
def test_memory_is_read_in_bytes(tmp_path: Path, written: str, size: int) -> None:
    catalog = load(*write(tmp_path, **hardware("4 GiB", written)))
    assert catalog.hardware["small"].memory == size


@pytest.mark.parametrize(
    ("path", "text"),
    [(("a", "b", 2, "c"), "a.b[2].c"), ((0, "a"), "[0].a"), (("a", "b c"), "a['b c']"), (("x\ny",), "['x\\ny']")],
)
def test_a_path_is_written_as_in_code(path: tuple[str | int, ...], text: str) -> None:
    assert render_path(path) == text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["deeplabcut.yaml", "hardware.yaml", "prices.yaml"]),
    at=st.integers(0, 200),
    what=st.one_of(st.binary(max_size=12), st.text("[]{}:,&*!|>'\"%@`#\\?-\n\t <~0x.e+", max_size=12).map(str.encode)),
)
def test_whatever_is_typed_into_a_document_ends_in_whole_lines_or_a_catalogue(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, what: bytes
) -> None:
    directory, images = write(tmp_path_factory.mktemp("typed"))
    raw = (directory / name).read_bytes()
    (directory / name).write_bytes(raw[:at] + what + raw[at + len(what) // 2 :])
    found = check_lines(directory, images)
    assert all(line.isprintable() and line.startswith(str(directory)) for line in found)
    if not found:
        load(directory, images)
