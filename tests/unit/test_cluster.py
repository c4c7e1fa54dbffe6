"""What a cluster's hub knows before it asks the cluster anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from somahub import catalog
from somahub.cluster import image_digest, this_cluster
from somahub.errors import SetupError
from somahub.instance import shipped
from somahub.settings import Settings

DIGEST = "0123456789abcdef" * 4


def settings(folder: Path, text: str) -> Settings:
    file = folder / "cluster.yaml"
    file.write_text(text)
    return Settings(data=folder, cluster=file)


def test_an_images_digest_is_what_it_holds_where_the_reference_says_so() -> None:
    assert image_digest(f"registry.example/somahub-dlc@sha256:{DIGEST}") == DIGEST[:12]
    assert image_digest("registry.example/somahub-dlc:1") != image_digest("registry.example/somahub-dlc:2")


def test_a_profiles_version_changes_with_its_apps_image_and_with_no_other() -> None:
    read = catalog.load(shipped("profiles"), shipped("images"))
    apps = {profile.app: "0" * 12 for profile in read.profiles.values()}
    before = catalog.pinned(read, apps)
    after = catalog.pinned(read, {**apps, "dlc": "1" * 12})
    changed = {name for name in before.profiles if before.profiles[name].version != after.profiles[name].version}
    assert changed == {"deeplabcut"}


def test_an_app_that_did_not_ship_with_somahub_can_be_offered(tmp_path: Path) -> None:
    cluster = this_cluster(settings(tmp_path, "apps: {ours: {image: registry.example/ours:1}}"))
    assert cluster.apps() == {"ours"}
    assert cluster.image("ours") == "registry.example/ours:1"
    assert cluster.icon("ours").startswith("<svg")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("apps: {dlc: {imag: x}}", "apps.dlc.image: Field required"),
        ("apps: {dlc: {image: ''}}", "apps.dlc.image: String should have at least 1 character"),
        ("apps: {}\nautoscale: true", "autoscale: Extra inputs are not permitted"),
        ("apps: {}\nstartMinutes: 0", "startMinutes: Input should be greater than or equal to 1"),
        ("apps: [", "is not YAML"),
    ],
)
def test_what_the_chart_says_is_checked_in_one_line_a_fault(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(SetupError, match=r"cluster\.yaml") as fault:
        this_cluster(settings(tmp_path, text))
    assert line in str(fault.value)
