"""Samples, and the page that they become. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Samples:
    """What was measured again and again, in ``unit``."""

    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    @property
    def p95(self) -> float:
        """What 95 of 100 stay below."""
        return quantiles(self.values, n=20)[-1] if len(self.values) > 1 else self.values[0]

    def __str__(self) -> str:
        """The median, and the range where there is one."""
        low, high = min(self.values), max(self.values)
        middle = shown(self.median, self.unit)
        if len(self.values) == 1:
            return middle
        return f"{middle} ({shown(low, self.unit).split()[0]}–{shown(high, self.unit)}, n = {len(self.values)})"


def shown(value: float, unit: str) -> str:
    """A value with its unit, with as many digits as say something."""
    if unit in ("ms", "MB"):
        return f"{value:.0f} {unit}"
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.0f} {unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: ours, the other's where it has it, and what is promised.

    ``at_most`` is in the unit of the samples; ``share`` is the part of the other's value that ours may be.
    """

    name: str
    ours: Samples
    other: Samples | None = None
    at_most: float | None = None
    share: float | None = None
    by_p95: bool = False

    @property
    def value(self) -> float:
        """The value that is held against the promise."""
        return self.ours.p95 if self.by_p95 else self.ours.median

    @property
    def ratio(self) -> float | None:
        """Ours as a part of the other's."""
        if self.other is None:
            return None
        return self.value / (self.other.p95 if self.by_p95 else self.other.median)

    @property
    def holds(self) -> bool | None:
        """Whether what is promised holds; None where nothing is."""
        if self.at_most is None and self.share is None:
            return None
        slow = self.at_most is not None and self.value > self.at_most
        near = self.share is not None and (self.ratio is None or self.ratio > self.share)
        return not (slow or near)

    @property
    def promise(self) -> str:
        """What is promised, in words."""
        said = [f"≤ {shown(self.at_most, self.ours.unit)}"] if self.at_most is not None else []
        said += [f"≤ {self.share:g} × the other's"] if self.share is not None else []
        return ", ".join(said)

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        ours, other = (self._said(samples) for samples in (self.ours, self.other))
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        verdict = {None: "", True: "holds", False: "**falls short**"}[self.holds]
        return self.name, ours, other, ratio, self.promise, verdict

    def _said(self, samples: Samples | None) -> str:
        if samples is None:
            return ""
        return f"{shown(samples.p95, samples.unit)} (n = {len(samples.values)})" if self.by_p95 else str(samples)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
