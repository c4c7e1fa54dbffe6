"""The real thing, for all tests: one somahub of their own, started as a person starts it, and its app environments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from somahub import sample
from tests.somahub_under_test import Somahub, free_ports, hub_user

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
ROOT = Path(__file__).parents[1]


def pytest_report_header() -> str:
    """Say which recordings the tests use."""
    return f"recordings: {os.environ.get('SOMAHUB_TEST_DATA') or 'the sample; SOMAHUB_TEST_DATA names real ones'}"


@pytest.fixture(scope="session")
def test_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings, `openfield` among them: real ones where SOMAHUB_TEST_DATA names them, else the sample."""
    given = os.environ.get("SOMAHUB_TEST_DATA")
    if given:
        assert Path(given, "openfield/config.yaml").is_file(), f"SOMAHUB_TEST_DATA: no openfield/config.yaml in {given}"
        return Path(given)
    folder = tmp_path_factory.mktemp("recordings")
    sample.make(folder).project.rename(folder / "openfield")
    return folder


@pytest.fixture(scope="session")
def instance_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for an instance's data that the hub's unprivileged user can reach."""
    # Short, because unix sockets lie below; not /tmp, which may be small.
    folder = Path("/var/tmp") / f"somahub-test-{os.getpid()}"  # noqa: S108
    folder.mkdir(mode=0o755)
    shutil.chown(folder, hub_user())
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def somahub(instance_folder: Path) -> Iterator[Somahub]:
    """One somahub for the whole run, with ports and data of its own and the machine's app environments."""
    instance = Somahub(instance_folder / "data", *free_ports(3))
    instance.up()
    yield instance
    instance.down()


@pytest.fixture(scope="session")
def app_environment(somahub: Somahub) -> Callable[[str], Path]:
    """The folder of an app's environment, built where it is not there yet."""
    return somahub.build


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; one for all tests, because Playwright runs once in a process."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield made
        made.close()
