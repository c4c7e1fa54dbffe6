"""What a machine may lack, and the one line that says so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from somahub.errors import SandboxError
from somahub.spawners.sandbox import programs
from tests.sandbox.house import House


@pytest.fixture
def machine() -> Iterator[House]:
    """A machine of its own, to be broken."""
    house = House(alone=True)
    yield house
    house.close()


def test_a_machine_without_user_namespaces_says_so(machine: House) -> None:
    """Where ordinary users may make no namespace, the error says that, and what helps."""
    machine.do(_write, "/proc/sys/user/max_user_namespaces", "0")
    with pytest.raises(SandboxError, match=r"does not let ordinary users make user namespaces.*somahub doctor"):
        machine.start("ada")


def test_a_closed_tun_device_says_so(machine: House) -> None:
    """Where the device of networks is for root alone, the error names it and the command that opens it."""
    machine.do(_run, "mount", "--bind", "/etc/shadow", "/dev/net/tun")
    with pytest.raises(SandboxError, match=r"/dev/net/tun is closed to us.*chmod 0666 /dev/net/tun"):
        machine.start("ada")
    assert machine.left()["processes"] == []


@pytest.mark.parametrize(("hidden", "package"), [("bwrap", "bubblewrap"), ("pasta", "passt")])
def test_a_missing_program_is_named_with_its_package(
    hidden: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not installed is said with the command that installs it."""
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=f"{hidden} is not installed") as caught:
        programs.program(hidden)
    assert caught.value.mend == f"apt-get install {package}"


def test_a_bucket_that_is_gone_is_said(house: House) -> None:
    """A session whose bucket cannot be shown does not start with an empty folder in its place."""
    with pytest.raises(SandboxError, match=r"bucket folder .*/buckets/lab-gone cannot be shown"):
        house.start("ada", folders=("lab-gone",))
    assert "ada" not in str(house.left()["processes"])


def _write(file: str, text: str) -> None:
    Path(file).write_text(text)


def _run(*words: str) -> None:
    subprocess.run(words, check=True)
