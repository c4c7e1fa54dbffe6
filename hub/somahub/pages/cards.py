"""What the pages show, decided from the catalogue, the machine, the ledger and the hub's spawners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from somahub import pricing
from somahub.model import Hardware, Price, Profile, Refused, Verdict


@dataclass(frozen=True, slots=True)
class Choice:
    """One hardware choice of a card. ``why`` is empty when it can start now."""

    name: str
    title: str
    size: str
    price: str
    why: str


@dataclass(frozen=True, slots=True)
class Running:
    """A person's session on a card's profile. ``since`` is ISO 8601; ``pending`` is spawn, stop or nothing."""

    words: str
    pending: str
    hardware: str
    since: str
    url: str
    usd: Decimal
    usd_per_hour: Decimal

    @property
    def cost(self) -> str:
        """What it cost so far, as a person reads it."""
        return pricing.money(self.usd)


@dataclass(frozen=True, slots=True)
class Card:
    """One profile: what it offers, or the person's session on it. ``server`` names the hub's server."""

    server: str
    title: str
    description: str
    icon: str
    choices: tuple[Choice, ...]
    chosen: str
    note: str
    session: Running | None


def choices(
    profile: Profile,
    hardware: Mapping[str, Hardware],
    prices: Sequence[Price],
    verdicts: Mapping[str, Verdict],
    now: datetime,
) -> tuple[Choice, ...]:
    """What a profile offers, each with its price an hour and, where it cannot start now, why."""
    made = []
    for name in profile.hardware:
        kind = hardware[name]
        verdict = verdicts[name]
        price = pricing.price_at(prices, name, now)
        made.append(
            Choice(
                name=name,
                title=kind.title,
                size=size(kind),
                price=pricing.rate(price.usd_per_hour),
                why=verdict.why if isinstance(verdict, Refused) else "",
            )
        )
    return tuple(made)


def size(hardware: Hardware) -> str:
    """A hardware class in words: ``2 CPUs · 4 GiB · 1 GPU``."""
    parts = [f"{hardware.cpus:g} CPU{'' if hardware.cpus == 1 else 's'}", f"{hardware.memory / (1 << 30):g} GiB memory"]
    if hardware.gpus:
        parts.append(f"{hardware.gpus} GPU{'' if hardware.gpus == 1 else 's'}")
    return " · ".join(parts)


def chosen(offered: Sequence[Choice], default: str) -> str:
    """The choice that is marked at first: the default, else the first that can start, else none."""
    free = [choice.name for choice in offered if not choice.why]
    if default in free:
        return default
    return free[0] if free else ""
