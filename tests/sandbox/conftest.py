"""One house of sandboxes for all tests here, and two people's sessions in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.house import Desk, House


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


@pytest.fixture(scope="module")
def ada(house: House) -> Iterator[Desk]:
    desk = house.start("ada")
    yield desk
    desk.stop()


@pytest.fixture(scope="module")
def bob(house: House) -> Iterator[Desk]:
    desk = house.start("bob")
    yield desk
    desk.stop()
