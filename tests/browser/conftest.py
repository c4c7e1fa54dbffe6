"""A real browser, and a person in front of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import Visitor
from tests.somahub_under_test import Somahub

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield made
        made.close()


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
