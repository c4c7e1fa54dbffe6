"""docs/benchmarks.md, from what was found. Pure, but for the date and the machine's facts."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median

from tests.bench import machine, stock
from tests.bench.clicks import Start
from tests.bench.figures import Row, Samples, table
from tests.bench.measure import Found

HEAD = ("figure", "somahub", "beside it", "ratio", "promised", "")


def rows(found: Found) -> list[Row]:
    """The figures that are promised."""
    ours, other = found.ours, found.other
    frames, frames_there = (Samples("s", tuple(one.frame for one in side.starts)) for side in (ours, other))
    tabs, tabs_there = (Samples("s", tuple(side.reopened)) for side in (ours, other))
    moves, moves_there = (Samples("ms", tuple(side.pointer)) for side in (ours, other))
    memory, memory_there = (Samples("MB", (sum(side.memory.values()),)) for side in (ours, other))
    loaded, loaded_there = (Samples("MB", (sum(side.with_jupyter.values()),)) for side in (ours, other))
    return [
        Row("click → first frame, warm", frames, frames_there, at_most=1.5, share=0.5),
        Row("tab opened again → frame", tabs, tabs_there, at_most=1),
        Row("pointer → canvas, median", moves, moves_there, at_most=20),
        Row("pointer → canvas, 95 of 100", moves, moves_there, at_most=40, by_p95=True),
        Row("memory of an empty session", memory, memory_there, at_most=250),
        Row("the same, once Jupyter is loaded in it", loaded, loaded_there, at_most=250),
        Row("`make up`, cold", Samples("s", (found.cold,))),
        Row("`make up`, warm", Samples("s", tuple(found.warm))),
    ]


def text(found: Found) -> str:
    """The whole page."""
    load = f"{min(found.load):.1f}–{max(found.load):.1f}"
    facts = [*machine.facts(), ("beside it", stock.versions()), ("load before each start", load)]
    return f"""# Benchmarks

Measured in one run by `make bench` on {datetime.now(UTC):%Y-%m-%d}; medians, with the range in brackets.
Every sample is in artifacts/benchmarks.json.

{table(HEAD, [row.cells() for row in rows(found)])}

{table(("", ""), facts)}

## How

{HOW}
## From the click to the frame

Median of the seconds since the click.

{table(("reached", "somahub", "beside it"), _steps(found))}

## What an empty session holds

{table(("program", "somahub, MB", "beside it, MB"), _programs(found))}
"""


HOW = """\
- **Beside it** is JupyterHub with jupyter-remote-desktop-proxy and JupyterLab, as their own pages say to set them up:
  SimpleLocalProcessSpawner, DummyAuthenticator, sessions that open at `/desktop`. It is favoured: it has the same proxy
  as somahub (traefik), compiled packages, openbox alone in place of XFCE, no panel and no app that opens with its
  session; and its sessions are plain processes of the hub's user, with no wall between people.
- **Both by turns**: one start here, one there, and so on, after one each that does not count. Each start begins on the
  hub's page, with nothing of the last session left, and is ended again.
- **Click → first frame**: from the press on Start (on napari's card; there: Start My Server) until the canvas of the
  desktop shows a pixel that is not black, looked at in every animation frame of the page.
- **Tab opened again**: from the beginning of the navigation of a new tab to the same, with the session at rest.
- **Pointer → canvas**: an xterm paints itself anew in another colour whenever the pointer comes to another of its
  cells. The page moves the pointer over it and takes the time until a pixel of the visible canvas is drawn in the other
  colour: network, server, X, program, and the way back.
- **Memory**: the sum of the proportional set size (PSS) of all processes that the session alone needs: sandbox,
  network, display, window manager, panel, server; with one tab open and the app's own window closed. somahub loads
  Jupyter into a session when somebody first opens the notebook; there it is what the session begins with.
- **`make up`, cold**: with an empty `SOMAHUB_DATA` and an empty `SOMAHUB_CACHE`, so that every Python and npm package
  of the hub is fetched, compiled and built; system packages are there. Apps are not part of it: each is installed at
  its first use. **Warm**: after `make down`.
"""


def _steps(found: Found) -> list[tuple[str, str, str]]:
    names = [name for name, _ in found.ours.starts[0].steps]
    return [(name, _step(found.ours.starts, name), _step(found.other.starts, name)) for name in names]


def _step(starts: list[Start], name: str) -> str:
    moments = [moment for one in starts for step, moment in one.steps if step == name]
    return f"{median(moments):.2f}" if moments else ""


def _programs(found: Found) -> list[list[str]]:
    ours, other = found.ours.memory, found.other.memory
    names = sorted({*ours, *other}, key=lambda name: -max(ours.get(name, 0), other.get(name, 0)))
    return [[name, *(f"{side[name]:.0f}" if name in side else "" for side in (ours, other))] for name in names]
