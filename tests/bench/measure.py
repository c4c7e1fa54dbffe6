"""The run in the browser: both hubs by turns, so that whatever else the machine does falls on both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Page

from tests.bench import machine
from tests.bench.clicks import Start, a_browser, reopen, start, window
from tests.bench.memory import held, seconds
from tests.bench.places import Place
from tests.bench.pointer import pointer

REST = 1.0  # seconds
BUSY = 0.05  # of one core


@dataclass
class Side:
    """What was measured of one hub. Seconds; ``pointer`` in ms; memory in MB by program."""

    starts: list[Start] = field(default_factory=list)
    reopened: list[float] = field(default_factory=list)
    pointer: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    with_jupyter: dict[str, float] = field(default_factory=dict)


@dataclass
class Found:
    """What the run found."""

    ours: Side = field(default_factory=Side)
    other: Side = field(default_factory=Side)
    cold: float = 0
    warm: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)

    def raw(self) -> dict[str, object]:
        """Every sample, for whoever wants to look closer."""
        sides = {"ours": self.ours, "other": self.other}
        return {
            **{
                name: {
                    "starts": [dict(one.steps) for one in side.starts],
                    "reopened": side.reopened,
                    "pointer": side.pointer,
                    "memory": side.memory,
                    "with_jupyter": side.with_jupyter,
                }
                for name, side in sides.items()
            },
            "cold": self.cold,
            "warm": self.warm,
            "load": self.load,
        }


def desktops(ours: Place, other: Place, times: int) -> Found:
    """Measure both by turns, ``times`` starts each, after one each that does not count."""
    found = Found()
    pairs = ((ours, found.ours), (other, found.other))
    with a_browser() as browser:
        windows = [window(browser) for _ in pairs]
        pages = [context.new_page() for context in windows]
        for (place, _), page in zip(pairs, pages, strict=True):
            place.log_in(page)
        for turn in range(times + 1):
            for (place, side), context, page in zip(pairs, windows, pages, strict=True):
                found.load.append(machine.load())
                last = turn == times
                _turn(place, side if turn else Side(), context, page, last)
    return found


def _turn(place: Place, side: Side, context: BrowserContext, page: Page, last: bool) -> None:
    """One session, from its start to its end; the last one is looked at more closely."""
    one = start(place, page)
    side.starts.append(one)
    print(f"  {type(place).__name__}: " + ", ".join(f"{name} {after:.2f}" for name, after in one.steps), flush=True)
    if last:
        _rest(place)
        side.reopened = [reopen(context, page.url) for _ in side.starts]
        place.close_app()
        _rest(place)
        side.memory = held(place)
        page.evaluate("(base) => window.bench.ask(`${base}api/kernels`)", place.base)
        _rest(place)
        side.with_jupyter = held(place)
        side.pointer = pointer(place, page)
    page.goto("about:blank")
    place.stop()
    time.sleep(REST)


def _rest(place: Place) -> None:
    """Wait until the session does nothing: its app has opened, or closed."""
    deadline, before = time.monotonic() + 120, seconds(place)
    while time.monotonic() < deadline:
        time.sleep(REST)
        now = seconds(place)
        if now - before < BUSY * REST:
            return
        before = now
