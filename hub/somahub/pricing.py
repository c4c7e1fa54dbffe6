"""What facts and prices make: the cost of sessions over an interval. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from somahub.errors import CatalogError
from somahub.model import Bill, Charge, Fact, Price

_SECONDS_AN_HOUR = 3600
_MICROSECONDS_A_SECOND = 1_000_000


def price_at(prices: Iterable[Price], hardware: str, at: datetime) -> Price:
    """The price of an hour of ``hardware`` that holds at a moment: the newest not after it.

    Raises CatalogError when there is none: a cost that cannot be complete is an error, not a guess.
    """
    known = [price for price in prices if price.hardware == hardware and price.since <= at]
    if not known:
        raise CatalogError(
            f"no price for hardware {hardware!r} at {at:%Y-%m-%d %H:%M} UTC",
            mend="add one to prices.yaml with a `since` that is not later",
        )
    return max(known, key=lambda price: price.since)


def cost(facts: Iterable[Fact], prices: Sequence[Price], begin: datetime, end: datetime) -> Bill:
    """The bill of all sessions from ``begin`` to ``end`` (aware, UTC), in US dollars.

    A session runs from its ``session.started`` fact to its ``session.stopped`` fact, or, while it has none, to ``end``.
    Time is charged by the microsecond at the price that holds then; a change of price splits the charge.
    """
    started: dict[str, Fact] = {}
    stopped: dict[str, datetime] = {}
    for fact in facts:
        if fact.kind == "session.started":
            started.setdefault(fact.session, fact)
        else:
            stopped.setdefault(fact.session, fact.at)
    charges = [
        charge
        for session, fact in started.items()
        for charge in _charges(fact, prices, max(fact.at, begin), min(stopped.get(session, end), end))
    ]
    return Bill(tuple(charges), sum((charge.usd for charge in charges), Decimal(0)))


def _charges(fact: Fact, prices: Sequence[Price], begin: datetime, end: datetime) -> list[Charge]:
    if end <= begin:
        return []
    hardware = dict(fact.detail)["hardware"]
    changes = sorted(p.since for p in prices if p.hardware == hardware and begin < p.since < end)
    moments = [begin, *changes, end]
    return [
        Charge(fact.session, fact.person, hardware, a, b, _usd(price_at(prices, hardware, a).usd_per_hour, a, b))
        for a, b in pairwise(moments)
    ]


def _usd(usd_per_hour: Decimal, begin: datetime, end: datetime) -> Decimal:
    # Not total_seconds(): a float, and money is not counted in floats. Not .seconds: it forgets whole days.
    span = end - begin
    microseconds = (span.days * 86_400 + span.seconds) * _MICROSECONDS_A_SECOND + span.microseconds
    return usd_per_hour * microseconds / (_SECONDS_AN_HOUR * _MICROSECONDS_A_SECOND)


def money(usd: Decimal) -> str:
    """US dollars as a person reads them: cents, or ``<$0.01`` for less than one."""
    if 0 < usd < Decimal("0.01"):
        return "<$0.01"
    return f"${usd:,.2f}"


def rate(usd_per_hour: Decimal) -> str:
    """A price as a person reads it, with all its digits and at least cents: ``$0.0416 an hour``."""
    digits = max(2, -int(usd_per_hour.normalize().as_tuple().exponent))
    return f"${usd_per_hour:,.{digits}f} an hour"
