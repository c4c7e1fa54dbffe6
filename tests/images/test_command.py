"""What an operator types, and what goes wrong before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from somahub.errors import SetupError
from somahub.images import debian, engine
from somahub.images.command import columns, main, parser


def test_a_machine_without_an_engine_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="there is no podman; there is no docker") as caught:
        engine.choose(None, tmp_path / "scratch")
    assert "apt-get install podman" in caught.value.mend


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SetupError, match="docker does not answer: Cannot connect to the Docker daemon"):
        engine.choose("docker", tmp_path / "scratch")


def test_the_command_says_a_fault_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SOMAHUB_CACHE", str(tmp_path / "cache"))
    assert main(["build"]) == 1
    assert capsys.readouterr().err.startswith("somahub: there is no podman")


def test_left_out_words_mean_all_images_on_debians_own() -> None:
    given = parser().parse_args(["build"])
    assert (given.names, given.base, given.registry, given.source) == ([], "debian:12-slim", None, Path())


def test_columns_stand_under_each_other() -> None:
    assert columns([("image", "size"), ("dlc", "7 MiB")]) == "  image  size\n  dlc    7 MiB"


def test_a_base_image_says_nothing_of_the_machine_that_made_it(tmp_path: Path) -> None:
    for name in (*debian.LEFT, "etc/apt", "usr/share/doc/bash"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("etc/apt/sources.list", "etc/hostname", "var/log/apt.log", "usr/share/doc/bash/README"):
        (tmp_path / name).write_text("mirror.lab\n")
    (tmp_path / "usr/share/doc/bash/copyright").write_text("GPL\n")
    debian.tidy(tmp_path)
    kept = {str(file.relative_to(tmp_path)): file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert kept.keys() == {"etc/apt/sources.list", "usr/share/doc/bash/copyright"}
    assert "mirror.lab" not in kept["etc/apt/sources.list"]
