"""What keeps one session from taking the machine where no control group is delegated. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weight:
    """A process of a session and its share of memory, in bytes; ``vital`` ones carry the session itself."""

    pid: int
    name: str
    memory: int
    vital: bool = False


def choose_victim(weights: Sequence[Weight], scratch: int, limit: int) -> Weight | None:
    """The process to end so that a session keeps to ``limit`` bytes; None while it does.

    ``scratch`` is what lies in its folders in memory. The largest is taken, one that carries the session last.
    """
    if not weights or scratch + sum(weight.memory for weight in weights) <= limit:
        return None
    return max(weights, key=lambda weight: (not weight.vital, weight.memory))


def choose_cores(available: Iterable[int], cpus: float, taken: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """The processor cores to run a session on: ``cpus`` rounded up, those that the fewest others run on.

    A session can undo it: it is what makes programs start as many threads as they were given cores, not a wall.
    """
    load = Counter(core for cores in taken for core in cores)
    by_load = sorted(available, key=lambda core: (load[core], core))
    return tuple(sorted(by_load[: max(1, math.ceil(cpus))]))
