"""A person in front of a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import Visit, visiting
from tests.somahub_under_test import Somahub


@pytest.fixture
def visit(browser: Browser, somahub: Somahub) -> Iterator[Visit]:
    """Brings a person to the log-in page, in a browser window of their own; their sessions are stopped at the end."""
    with visiting(browser, somahub) as made:
        yield made
