"""What keeps somahub from starting: each ends in a clear state and one clear line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.local import looks
from tests.somahub_under_test import BOOT, Somahub, hub_user


def test_a_taken_port_is_named_with_who_holds_it_and_what_to_do(alone: Somahub) -> None:
    with socket.create_server(("127.0.0.1", alone.port)):
        said = alone.boot("up")
    assert said.returncode == 1
    assert f"port {alone.port} is taken by process {os.getpid()}" in said.stderr
    assert f"SOMAHUB_PORT={alone.port + 1} make up" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 2
    assert looks.left_running(alone) == []


def test_the_hubs_own_ports_are_checked_too(alone: Somahub) -> None:
    with socket.create_server(("127.0.0.1", alone.proxy_port)):
        said = alone.boot("up")
    assert said.returncode == 1
    assert "SOMAHUB_PROXY_PORT=" in said.stderr


def test_a_broken_profile_is_named_by_file_and_what_runs_is_left_alone(alone: Somahub, instance_folder: Path) -> None:
    profiles = looks.copy_of_profiles(instance_folder / "broken-profiles")
    alone.extra["SOMAHUB_PROFILES"] = str(profiles)
    alone.up()
    hub = looks.service(alone, "hub")
    (profiles / "napari.yaml").write_text("title: [napari\n")
    said = alone.boot("up")
    assert said.returncode == 1
    assert "napari.yaml" in said.stderr
    assert "Traceback" not in said.stdout + said.stderr
    assert looks.service(alone, "hub") == hub
    assert looks.answers(alone)


def test_a_broken_profile_at_the_first_start_starts_nothing(alone: Somahub, instance_folder: Path) -> None:
    profiles = looks.copy_of_profiles(instance_folder / "broken-at-first")
    (profiles / "napari.yaml").write_text("titel: napari\n")
    alone.extra["SOMAHUB_PROFILES"] = str(profiles)
    said = alone.boot("up")
    assert said.returncode == 1
    assert "napari.yaml" in said.stderr
    assert looks.left_running(alone) == []


def test_a_hub_that_cannot_start_says_why_and_nothing_of_it_is_left(alone: Somahub) -> None:
    alone.up()
    alone.down()
    (alone.data / "hub.sqlite").write_bytes(b"no database at all, but long enough to be taken for one " * 20)
    said = alone.boot("up")
    assert said.returncode == 1
    assert "the hub ended at once" in said.stderr
    assert "not a database" in said.stderr
    assert "Traceback" not in said.stdout + said.stderr
    assert looks.left_running(alone) == []
    assert looks.all_ports_free(alone)


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("SOMAHUB_PORT", "http", "SOMAHUB_PORT"),
        ("SOMAHUB_PORT", "0", "SOMAHUB_PORT"),
        ("SOMAHUB_DATA", "here", "SOMAHUB_DATA must be an absolute path"),
        ("SOMAHUB_DATA", "/srv/" + "x" * 100, "SOMAHUB_DATA must be at most"),
    ],
)
def test_a_wrong_setting_is_one_line(alone: Somahub, setting: str, value: str, line: str) -> None:
    alone.extra[setting] = value
    said = alone.boot("up")
    assert said.returncode == 1
    assert line in said.stderr
    assert "Traceback" not in said.stdout + said.stderr
    del alone.extra[setting]


def test_two_settings_of_one_port_are_refused(alone: Somahub) -> None:
    alone.extra["SOMAHUB_HUB_PORT"] = str(alone.port)
    said = alone.boot("up")
    assert said.returncode == 1
    assert "must differ" in said.stderr


def test_without_a_system_package_an_ordinary_user_is_told_the_one_line_to_run(
    alone: Somahub, instance_folder: Path
) -> None:
    said = _as_ordinary_user("up", alone, _path_without("bwrap", instance_folder))
    assert said.returncode == 1
    assert "these system packages are missing: bubblewrap" in said.stderr
    assert "sudo sh -c 'apt-get update && apt-get install --no-install-recommends -y bubblewrap" in said.stderr
    assert looks.left_running(alone) == []


def test_the_doctor_names_a_missing_package_with_the_command_that_mends_it(
    alone: Somahub, instance_folder: Path
) -> None:
    said = _as_ordinary_user("doctor", alone, _path_without("pasta", instance_folder))
    assert said.returncode == 1
    assert "apt-get install --no-install-recommends -y passt" in said.stdout


def test_the_doctor_finds_nothing_that_blocks_where_somahub_runs(running: Somahub) -> None:
    said = running.boot("doctor")
    assert said.returncode == 0, said.stdout
    assert "somahub is running" in said.stdout


def _path_without(program: str, folder: Path) -> str:
    """A folder that holds all of the system's programs but one."""
    place = folder / f"without-{program}"
    place.mkdir(exist_ok=True)
    for directory in ("/usr/sbin", "/usr/bin"):
        for found in Path(directory).iterdir():
            if found.name != program and not (place / found.name).is_symlink():
                (place / found.name).symlink_to(found)
    return str(place)


def _as_ordinary_user(command: str, instance: Somahub, path: str) -> subprocess.CompletedProcess[str]:
    user = hub_user() if os.geteuid() == 0 else None
    instance.data.mkdir(exist_ok=True)
    if user:
        shutil.chown(instance.data, user)
    environment = {**instance.environment, "PATH": path, "HOME": str(instance.data)}
    return subprocess.run(
        [*BOOT, command], env=environment, user=user, capture_output=True, text=True, check=False, timeout=120
    )
