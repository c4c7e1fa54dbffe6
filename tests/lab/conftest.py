"""One session for all tests of what a browser sees of it, and a browser."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.lab.a_session import ASession
from tests.somahub_under_test import free_ports


@pytest.fixture(scope="session")
def session_environment(app_environment: Callable[[str], Path]) -> Path:
    """What every session runs, as it is installed."""
    return app_environment("session")


@pytest.fixture(scope="module")
def session(session_environment: Path) -> Iterator[ASession]:
    """Ada's session, started once a module. In a short folder: a unix socket's path has at most 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/var/tmp"))
    display = next(n for n in range(60, 99) if not Path(f"/tmp/.X11-unix/X{n}").exists())  # noqa: S108
    ada = ASession(folder, session_environment, f":{display}", free_ports(3))
    try:
        ada.start()
        yield ada
    finally:
        ada.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def context(browser: Browser, session: ASession) -> Iterator[BrowserContext]:
    """A browser window of Ada's, logged in."""
    session.spawn()
    context = browser.new_context(base_url=session.url, viewport={"width": 1280, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=session.url)
    log_in(context.new_page(), "ada").close()
    yield context
    context.close()


def log_in(page: Page, name: str) -> Page:
    """Log in by the hub's own page."""
    page.goto("/hub/login?next=%2Fhub%2Ftoken")
    page.fill("#username_input", name)
    page.fill("#password_input", "any")
    page.click("#login_submit")
    page.wait_for_url("**/hub/token")
    return page


@pytest.fixture
def desktop(context: BrowserContext) -> Page:
    """The desktop's page, with its first frame."""
    page = context.new_page()
    page.goto("/user/ada/somahub/desktop")
    page.wait_for_selector("body[data-connected]")
    return page
