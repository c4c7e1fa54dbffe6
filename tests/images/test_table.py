"""Which images there are, in which order they are built, and what makes one be built anew."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from somahub.errors import SetupError
from somahub.images import table
from somahub.images.command import copied
from somahub.local import trees

ROOT = Path(__file__).parents[2]
SESSIONS = {"session", "dlc", "napari", "notebook"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of all that images are built from."""
    return copied(table.table(ROOT), ROOT, tmp_path / "source")


def changed(source: Path, path: str, more: str = "# changed\n", base: str = "b") -> set[str]:
    """The images that are other ones once the file ``path`` has ``more`` at its end."""
    before = table.versions(table.table(source), source, "b")
    if path:
        with (source / path).open("a") as file:
            file.write(more)
    after = table.versions(table.table(source), source, base)
    return {name for name in before if before[name] != after[name]}


def environments(*names: str) -> set[str]:
    return {f"{name}-environment" for name in names}


def test_hub_service_session_and_every_recipe_are_shipped() -> None:
    shipped = [name for name, image in table.table(ROOT).items() if image.shipped]
    assert shipped[:6] == ["hub", "service", "session", "dlc", "napari", "notebook"]
    assert set(shipped) - {"hub", "service"} == {file.parent.name for file in ROOT.glob("images/*/recipe.yaml")}


def test_every_image_comes_after_all_that_it_needs() -> None:
    images = table.table(ROOT)
    seen = {table.DEBIAN}
    for image in images.values():
        assert {other for _, other in (*image.starts, *image.uses)} <= seen, image.name
        seen.add(image.name)


def test_every_argument_of_a_dockerfile_is_given_and_none_besides() -> None:
    for image in table.table(ROOT).values():
        asked = set(re.findall(r"^ARG (\w+)", (ROOT / image.file).read_text(), re.MULTILINE))
        given = {name for name, _ in (*image.starts, *image.uses, *image.arguments)}
        # Of images alike in all but one of their arguments, one Dockerfile asks for what another does not.
        assert given - {"APP"} == asked - {"APP"}, image.name


def test_every_file_that_a_dockerfile_reads_is_among_its_inputs(source: Path) -> None:
    for image in table.table(source).values():
        read = re.findall(r"/source/((?:images/base|requirements)/[\w./-]+)", (source / image.file).read_text())
        assert {path for path in read if (source / path).exists()} <= {
            str(file.relative_to(source)) for file in trees.files(source, image.inputs)
        }, image.name


def test_no_dockerfile_names_a_registry_a_mirror_or_a_secret() -> None:
    for file in [*ROOT.glob("images/**/*Dockerfile"), *(ROOT / "images/base").iterdir()]:
        assert not re.search(r"://|index-url|token|password", file.read_text(), re.IGNORECASE), file


def test_a_base_that_is_another_makes_every_image_another() -> None:
    images = table.table(ROOT)
    one, other = (table.versions(images, ROOT, base) for base in ("b", "c"))
    assert all(one[name] != other[name] for name in images)


@pytest.mark.parametrize(
    ("path", "others"),
    [
        # Code lies on top: no environment is built again for it.
        ("hub/somahub/plan.py", {"builder", "hub", "service", *SESSIONS}),
        ("requirements/cluster.txt", {*environments("hub"), "hub"}),
        ("requirements/service.txt", {*environments("service"), "service"}),
        ("requirements/system.txt", {"runtime", "builder", "hub", "service", *SESSIONS, *environments(*SESSIONS)}),
        ("images/dlc/requirements.txt", {*environments("dlc"), "builder", "hub", "service", *SESSIONS}),
        ("hub/somahub/sample/scene.py", {"sample", "builder", "hub", "service", *SESSIONS}),
        ("images/hub/Dockerfile", {"builder", "hub", "service", *SESSIONS}),
    ],
)
def test_a_change_makes_those_images_others_that_hold_it(source: Path, path: str, others: set[str]) -> None:
    assert changed(source, path) == others


def test_a_tag_is_the_same_wherever_the_sources_lie(source: Path, tmp_path: Path) -> None:
    again = copied(table.table(source), source, tmp_path / "again")
    here, there = (table.versions(table.table(place), place, "b") for place in (source, again))
    assert here == there


def test_a_recipe_may_bring_a_dockerfile_of_its_own(source: Path) -> None:
    shutil.copytree(source / "images/napari", source / "images/caiman")
    assert table.table(source)["caiman-environment"].file == "images/base/recipe.Dockerfile"
    (source / "images/caiman/Dockerfile").write_text("ARG START\nFROM ${START}\n")
    images = table.table(source)
    assert images["caiman-environment"].file == "images/caiman/Dockerfile"
    assert images["caiman"].shipped
    assert list(images)[-1] == "caiman"


def test_nothing_is_built_where_all_is_there() -> None:
    assert table.missing(table.table(ROOT), ["dlc"], lambda name: True) == ()


def test_a_new_image_is_built_with_what_it_needs_and_no_more() -> None:
    images = table.table(ROOT)
    assert table.missing(images, ["hub"], lambda name: False) == ("slim", "tools", "builder", "hub-environment", "hub")
    there = {"slim", "runtime", "tools", "builder", "sample", "session-environment"}
    assert table.missing(images, ["dlc"], there.__contains__) == ("dlc-environment", "dlc")


def test_what_an_image_only_uses_is_not_built_for_an_image_that_is_there() -> None:
    images = table.table(ROOT)
    there = {"slim", "runtime", "tools", "sample", "session-environment", "dlc-environment"}
    assert table.missing(images, ["dlc"], there.__contains__) == ("builder", "dlc")


def test_an_unknown_image_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SetupError, match="no image is named 'dcl'") as caught:
        table.chosen(table.table(ROOT), ["dcl"])
    assert "dlc" in caught.value.mend


def test_a_folder_that_is_no_source_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="holds no source tree of somahub"):
        table.table(tmp_path)
