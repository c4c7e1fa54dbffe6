"""A person in front of a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import Visitor
from tests.somahub_under_test import Somahub

ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@pytest.fixture
def visit(browser: Browser, somahub: Somahub) -> Iterator[Callable[..., Visitor]]:
    """Brings a person to the log-in page, in a browser window of their own; their sessions are stopped at the end."""
    ARTIFACTS.mkdir(exist_ok=True)
    with ExitStack() as stack:

        def made(name: str, scheme: str = "light", width: int = 1440, height: int = 900) -> Visitor:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                permissions=["clipboard-read", "clipboard-write"],
            )
            stack.callback(context.close)
            visitor = Visitor(somahub, context.new_page(), *somahub.person(name), ARTIFACTS)
            stack.callback(visitor.stop_everything)
            return visitor

        yield made
