"""What a person does in the browser, and what they see there."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
FIRST_FRAME = "body[data-first-frame]"
BAR, PANEL = 36, 44  # px: the session's bar above the desktop, the desktop's own panel at its lower edge
FIRST_START = 1_500_000  # ms: an app's environment may have to be built first


class House(Protocol):
    """A somahub that people visit."""

    @property
    def url(self) -> str: ...
    def person(self, name: str) -> tuple[str, str]: ...
    def ask(self, method: str, path: str) -> httpx.Response: ...


@dataclass
class Visitor:
    """Somebody at a browser. Places are pixels of the page, from its upper left corner."""

    somahub: House
    page: Page
    name: str
    password: str
    artifacts: Path

    def log_in(self) -> None:
        self.page.goto(self.somahub.url)
        self.page.get_by_label("Username").fill(self.name)
        self.page.locator("#password_input").fill(self.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Sessions", exact=True)).to_be_visible()

    def start(self, profile: str) -> None:
        """Press Start on a card and wait until the session's page is there."""
        self.page.locator(f"#profile-{profile}").get_by_role("button", name="Start").click()
        self.page.wait_for_url(re.compile(rf"/user/{self.name}/{profile}/"), timeout=FIRST_START)

    def see_desktop(self) -> None:
        self.page.wait_for_selector(FIRST_FRAME, state="attached", timeout=30_000)

    def stop_everything(self) -> None:
        """End what still runs, as the operator."""
        for server in self.servers():
            self.somahub.ask("DELETE", f"/users/{self.name}/servers/{server}")
        until(lambda: not self.servers(), 60)

    def servers(self) -> dict[str, Any]:
        answer = self.somahub.ask("GET", f"/users/{self.name}")
        return {} if answer.status_code == httpx.codes.NOT_FOUND else dict(answer.json()["servers"])

    def keep(self, name: str) -> None:
        """Keep a picture of the page, for people to look at."""
        self.page.screenshot(path=self.artifacts / f"{name}.png")

    def picture(self) -> Image.Image:
        """The desktop without its panel, whose clock moves."""
        whole = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        return whole.crop((0, BAR, whole.width, whole.height - PANEL))

    def settled(self, quiet: float = 2.0, seconds: float = 120) -> Image.Image:
        """The desktop, once it has not changed for ``quiet`` seconds."""
        last, since = self.picture(), time.monotonic()
        deadline = since + seconds
        while time.monotonic() < since + quiet:
            assert time.monotonic() < deadline, "the desktop does not come to rest"
            self.page.wait_for_timeout(200)
            now = self.picture()
            if now.tobytes() != last.tobytes():
                last, since = now, time.monotonic()
        return last

    def changes(self, before: Image.Image, seconds: float = 60) -> Image.Image:
        """The desktop, once it looks otherwise than ``before`` and has come to rest."""
        until(lambda: self.picture().tobytes() != before.tobytes(), seconds)
        return self.settled()

    def come_back(self) -> None:
        """Close the tab, open it again, and find the same window."""
        seen, address = self.settled(), self.page.url
        self.page.close()
        self.page = self.page.context.new_page()
        self.page.goto(address)
        self.see_desktop()
        until(lambda: alike(self.picture(), seen) > 0.99, 20)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=20)


Visit = Callable[..., Visitor]


@contextmanager
def visiting(browser: Browser, house: House) -> Iterator[Visit]:
    """Brings people to the log-in page, each in a window of their own; their sessions are stopped at the end."""
    ARTIFACTS.mkdir(exist_ok=True)
    with ExitStack() as stack:

        def made(name: str, scheme: str = "light", width: int = 1440, height: int = 900) -> Visitor:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                permissions=["clipboard-read", "clipboard-write"],
            )
            stack.callback(context.close)
            visitor = Visitor(house, context.new_page(), *house.person(name), ARTIFACTS)
            stack.callback(visitor.stop_everything)
            return visitor

        yield made


def until(what: Callable[[], object], seconds: float) -> None:
    """Wait until ``what`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def share(picture: Image.Image, colour: tuple[int, int, int], tolerance: int = 6) -> float:
    """The part of a picture, 0 to 1, that has a colour."""
    off = np.abs(np.asarray(picture).astype(int) - np.asarray(colour)).max(axis=2)
    return float((off <= tolerance).mean())


def alike(one: Image.Image, other: Image.Image) -> float:
    """The part of the pixels, 0 to 1, that two pictures have in common."""
    a, b = np.asarray(one).astype(int), np.asarray(other).astype(int)
    return float((np.abs(a - b).max(axis=2) <= 8).mean()) if a.shape == b.shape else 0.0
