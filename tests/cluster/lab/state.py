"""Which processes are a lab, written down when it starts."""

from __future__ import annotations

import json
from dataclasses import dataclass

from somahub.local.processes import recorded
from somahub.spawners.sandbox.processes import Process
from tests.cluster.lab.places import Places


@dataclass(frozen=True, slots=True)
class State:
    """``holder`` waits for ``init``, the first process of the lab's namespaces; either is None when it is gone."""

    holder: Process | None
    init: Process | None


def read(places: Places) -> State:
    """What was written, as far as it still runs."""
    try:
        said = json.loads(places.state.read_text())
    except (OSError, ValueError):
        return State(None, None)
    return State(recorded(said.get("holder")), recorded(said.get("init")))


def write(places: Places, holder: Process, init: Process) -> None:
    """Write it whole or not at all."""
    said = {name: {"pid": one.pid, "start": one.start} for name, one in (("holder", holder), ("init", init))}
    new = places.state.with_suffix(".new")
    new.write_text(json.dumps(said))
    new.replace(places.state)
