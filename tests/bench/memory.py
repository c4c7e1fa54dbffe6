"""What a session holds in memory, and what it does."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.places import Place

MB = 1e6
PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
# One program under two names, and one that is called after the processor.
NAMES = {"Xtigervnc": "Xvnc", "passt.avx2": "pasta"}


def held(place: Place) -> dict[str, float]:
    """Megabytes of the session by program, the largest first."""
    found: dict[str, float] = {}
    for pid in place.processes():
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            size = _share(pid)
        except OSError:
            continue  # it ended while we looked
        name = NAMES.get(name, name)
        found[name] = found.get(name, 0) + size / MB
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def seconds(place: Place) -> float:
    """Seconds of a processor that the session's processes have used."""
    ticks = 0
    for pid in place.processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _share(pid: int) -> int:
    """Bytes of its own and its share of what several map (PSS), swapped out or not.

    One that lets nobody look so closely counts with all that is resident: never too little.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss:", "SwapPss:")))
