"""Measure everything in one run and write docs/benchmarks.md. ``python -m tests.bench``, which `make bench` runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import page, stock
from tests.bench.measure import desktops
from tests.bench.places import PROFILE, Ours, Theirs
from tests.bench.starts import cold_and_warm
from tests.somahub_under_test import ROOT, Somahub, free_ports

TIMES = 7
STARTS = 3


def main() -> int:
    """The exit status is 0 whenever everything could be measured, also where a promise does not hold."""
    cache = Path(os.environ["SOMAHUB_CACHE"])
    with _folder(cache) as folder:
        print("the other hub's environment", flush=True)
        with _both(folder, stock.environment(cache)) as (ours, theirs):
            print("seconds from the click", flush=True)
            found = desktops(ours, theirs, TIMES)
        print("make up, cold and warm", flush=True)
        found.cold, found.warm = cold_and_warm(folder / "new", STARTS)
    artifacts = ROOT / "artifacts"
    artifacts.mkdir(exist_ok=True)
    (artifacts / "benchmarks.json").write_text(json.dumps(found.raw(), indent=1))
    text = page.text(found)
    (ROOT / "docs" / "benchmarks.md").write_text(text)
    print(text)
    return 0


@contextmanager
def _both(folder: Path, venv: Path) -> Iterator[tuple[Ours, Theirs]]:
    """Both hubs, up, with their data below ``folder``."""
    ours = Somahub(folder / "data", *_ports())
    theirs = stock.Stock(venv, folder / "stock", *_ports())
    try:
        ours.up()
        ours.build(PROFILE)
        theirs.up()
        yield Ours(ours), Theirs(theirs)
    finally:
        ours.boot("down")
        theirs.down()


def _ports() -> tuple[int, int, int]:
    one, two, three = free_ports(3)
    return one, two, three


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    """Where everything that is measured keeps its data, away from any other."""
    folder = cache / "bench" / f"run-{os.getpid()}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
