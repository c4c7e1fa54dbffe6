"""The two hubs that are measured, each as a person meets it in the browser, and what its session consists of."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
from playwright.sync_api import Page

from somahub.spawners.sandbox import processes, records
from tests.bench.stock import Stock
from tests.somahub_under_test import Somahub

PERSON = "bench"
PROFILE = "napari"


class Place(Protocol):
    """One of the two."""

    @property
    def base(self) -> str:
        """The path that the session's addresses begin with."""

    @property
    def home(self) -> Path:
        """The person's home, as a folder of the host."""

    @property
    def display(self) -> str:
        """What a terminal has to say before a program that shows a window."""

    def log_in(self, page: Page) -> None:
        """As a person does."""

    def offer(self, page: Page) -> str:
        """Open the page that has the button which starts a session; returns the button's selector."""

    def stop(self) -> None:
        """End the session; returns when nothing of it is left."""

    def processes(self) -> list[int]:
        """The numbers of all processes that this session alone needs."""

    def close_app(self) -> None:
        """Close the app's window, where a session opens with one."""


@dataclass
class Ours:
    """somahub, with the card of napari."""

    somahub: Somahub
    base: str = f"/user/{PERSON}/{PROFILE}/"
    display: str = ""

    @property
    def home(self) -> Path:
        return self.somahub.data / "homes" / PERSON

    def log_in(self, page: Page) -> None:
        _, password = self.somahub.person(PERSON)
        _fill_in(page, self.somahub.url, password)

    def offer(self, page: Page) -> str:
        page.goto(f"{self.somahub.url}/hub/home")
        return f"#profile-{PROFILE} button.start"

    def stop(self) -> None:
        self.somahub.ask("DELETE", f"/users/{PERSON}/servers/{PROFILE}")
        until(lambda: not self.somahub.ask("GET", f"/users/{PERSON}").json()["servers"], 60)
        until(lambda: not self.processes(), 60)

    def processes(self) -> list[int]:
        found: list[int] = []
        run = records.Run(self.somahub.data / "run")
        for name in run.sessions():
            state = records.read_state(run.session(name))
            if state and state.phase != "ended":
                parts = (state.holder, state.pasta, state.bwrap)
                found += [part.pid for part in parts if part and part.alive]
                found += processes.descendants(state.bwrap.pid) if state.bwrap else []
        return found

    def close_app(self) -> None:
        app = f"/opt/somahub/apps/{PROFILE}/bin/{PROFILE}".encode()
        until(lambda: any(app in _words(pid) for pid in self.processes()), 30)
        for pid in self.processes():
            if app in _words(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        until(lambda: not any(app in _words(pid) for pid in self.processes()), 30)


@dataclass
class Theirs:
    """JupyterHub with jupyter-remote-desktop-proxy."""

    stock: Stock
    base: str = f"/user/{PERSON}/"
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    @property
    def home(self) -> Path:
        return self.stock.home(PERSON)

    @property
    def display(self) -> str:
        return f"DISPLAY={(self.home / 'display').read_text()} "

    def log_in(self, page: Page) -> None:
        _fill_in(page, self.stock.url, self.stock.token)

    def offer(self, page: Page) -> str:
        page.goto(f"{self.stock.url}/hub/home")
        # Its script gives the button its words once it knows whether a server runs.
        page.wait_for_selector("#start:has-text('Start')")
        return "#start"

    def stop(self) -> None:
        api = f"{self.stock.url}/hub/api/users/{PERSON}"
        token = {"Authorization": f"token {self.stock.token}"}
        self._client.delete(f"{api}/server", headers=token)
        until(lambda: not self._client.get(api, headers=token).json()["servers"], 60)
        self.stock.end_sessions()
        until(lambda: not self.processes(), 60)

    def processes(self) -> list[int]:
        return self.stock.processes()

    def close_app(self) -> None:
        """It opens with none."""


def until(what: Callable[[], object], seconds: float) -> None:
    """Wait until ``what`` is true; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {seconds:g} s")
        time.sleep(0.1)


def _fill_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url}/hub/login?next=/hub/home")
    page.fill("#username_input", PERSON)
    page.fill("#password_input", password)
    page.click("#login_submit")
    page.wait_for_url("**/hub/home")


def _words(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
