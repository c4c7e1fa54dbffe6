"""From a movement of the pointer to the changed picture."""

from __future__ import annotations

import math
import shlex
import shutil
from pathlib import Path

from playwright.sync_api import Page

from tests.bench.places import Place, until

PROGRAM = Path(__file__).parent / "repaint.sh"
AT = 300  # px: the window's corner on the desktop
SAMPLES, FIRST = 300, 20  # the first ones are thrown away
PIXEL = "([x, y]) => [...window.bench.screen().getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"


def pointer(place: Place, page: Page) -> list[float]:
    """Milliseconds, movement by movement, in a session whose tab is open in ``page``."""
    shutil.copy(PROGRAM, place.home / PROGRAM.name)
    where = {"x": AT + 100, "y": AT + 100}
    spot = [where["x"], where["y"]]
    before = page.evaluate(PIXEL, spot)
    show = f"xterm -bw 0 -bg black -geometry 60x16+{AT}+{AT} -e bash {shlex.quote(PROGRAM.name)}"
    command = f"cd; {place.display}setsid {show} >/dev/null 2>&1 &"
    told = {"base": place.base, "command": command, "token": _token(place, page)}
    page.evaluate("(what) => window.bench.run(what)", told)
    until(lambda: _nudged(page, spot) not in (before, [0, 0, 0]), 60)
    found = page.evaluate("(what) => window.bench.pointer(what)", {**where, "times": SAMPLES + FIRST})
    seen = [value for value in found[FIRST:] if value is not None and not math.isnan(value)]
    if len(seen) < SAMPLES * 0.95:
        raise RuntimeError(f"only {len(seen)} of {SAMPLES} movements changed the picture")
    return seen


def _token(place: Place, page: Page) -> str:
    """What JupyterLab's page joins terminals with; empty where it needs nothing but the cookie."""
    lab = page.context.new_page()
    lab.goto(page.url.split(place.base)[0] + f"{place.base}lab")
    token = lab.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).token")
    lab.close()
    return str(token or "")


def _nudged(page: Page, spot: list[int]) -> list[int]:
    """Move the pointer over the window, which shows its first colour when it is ready; returns what is seen."""
    for place in (AT + 120, AT + 160):
        page.mouse.move(place, AT + 150)
    seen: list[int] = page.evaluate(PIXEL, spot)
    return seen
