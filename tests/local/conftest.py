"""One somahub of these tests' own, because they kill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.somahub_under_test import Somahub, free_ports


def _somahub(data: Path) -> Somahub:
    port, hub_port, proxy_port = free_ports(3)
    return Somahub(data, port, hub_port, proxy_port)


@pytest.fixture
def alone(instance_folder: Path, request: pytest.FixtureRequest) -> Iterator[Somahub]:
    """A somahub that is down, with data of its own, and down again at the end."""
    instance = _somahub(instance_folder / request.node.name[:30])
    yield instance
    instance.boot("down")


@pytest.fixture(scope="module")
def one(instance_folder: Path, request: pytest.FixtureRequest) -> Iterator[Somahub]:
    """A somahub that the tests of a module share."""
    instance = _somahub(instance_folder / request.node.name.rpartition("/")[2])
    yield instance
    instance.boot("down")


@pytest.fixture
def running(one: Somahub) -> Somahub:
    """The shared one, up, whatever the last test did to it."""
    one.up()
    return one
