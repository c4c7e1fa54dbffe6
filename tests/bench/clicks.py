"""From a click to a picture: starting a session, and opening its tab again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, WebSocket, sync_playwright

from tests.bench.places import Place

WATCH = Path(__file__).parent / "watch.js"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000  # ms
FRAME = "() => window.bench && window.bench.frame"


@contextmanager
def a_browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def window(browser: Browser) -> BrowserContext:
    """A window of somebody's own, which notes what it shows and when."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(path=WATCH)
    return context


@dataclass
class Way:
    """What the browser did on the way to a picture, in ms since 1970."""

    prefix: str
    waiting: float = 0
    ready: float = 0
    document: float = 0
    script: float = 0
    connected: float = 0
    _page: Page | None = field(default=None, repr=False)

    def follow(self, page: Page) -> None:
        """Note from now on what the page asks for."""
        self._page = page
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("requestfinished", self._came)
        page.on("websocket", self._joined)

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request() and urlsplit(request.url).path.startswith(self.prefix):
            self.ready = self.ready or _now()

    def _answered(self, response: Response) -> None:
        if "spawn-pending" in response.url:
            self.waiting = self.waiting or _now()

    def _came(self, request: Request) -> None:
        if urlsplit(request.url).path.startswith(self.prefix):
            if request.resource_type == "document":
                self.document = _now()
            elif request.resource_type == "script":
                self.script = _now()

    def _joined(self, _: WebSocket) -> None:
        self.connected = self.connected or _now()


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a session: seconds from the click to each step of it."""

    steps: tuple[tuple[str, float], ...]

    @property
    def frame(self) -> float:
        """Seconds from the click to the first frame."""
        return self.steps[-1][1]


def start(place: Place, page: Page) -> Start:
    """Press Start and wait for the first frame."""
    button = page.locator(place.offer(page))
    page.wait_for_load_state("networkidle")
    way = Way(place.base)
    way.follow(page)
    button.click()
    page.wait_for_url(f"**{place.base}**", timeout=PATIENCE)
    page.wait_for_function(FRAME, timeout=PATIENCE)
    clicked, frame = page.evaluate("() => [window.bench.click(), window.bench.frame]")
    moments = {
        "the page that waits": way.waiting,
        "the session answers and the browser goes there": way.ready,
        "logged in there, its page": way.document,
        "its script": way.script,
        "the display's connection": way.connected,
        "first frame": frame,
    }
    return Start(tuple((name, (moment - clicked) / 1000) for name, moment in moments.items() if moment))


def reopen(context: BrowserContext, url: str) -> float:
    """Seconds from opening a new tab at a session's address to its first frame."""
    page = context.new_page()
    try:
        page.goto(url, wait_until="commit")
        page.wait_for_function(FRAME, timeout=PATIENCE)
        return float(page.evaluate("() => window.bench.frame - performance.timeOrigin")) / 1000
    finally:
        page.close()


def _now() -> float:
    return time.time() * 1000
