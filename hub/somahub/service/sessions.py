"""A person's sessions, from what the hub says of their servers and from the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

from somahub import pricing
from somahub.catalog import Catalog
from somahub.errors import CatalogError
from somahub.model import Fact, Hardware, Price

State = Literal["starting", "running", "stopping"]


@dataclass(frozen=True, slots=True)
class Session:
    """One session of whoever asks. ``server`` is its name at the hub, ``path`` where a browser opens it.

    ``hardware`` is None where the catalogue no longer has it, and what it costs is None where no price says so.
    """

    server: str
    profile: str
    title: str
    state: State
    hardware: Hardware | None
    since: datetime | None
    usd_per_hour: Decimal | None
    usd_so_far: Decimal | None
    path: str


def sessions(servers: Mapping[str, Any], catalog: Catalog, now: datetime) -> list[Session]:
    """All sessions, by profile; ``servers`` as the hub's user model has them, ``now`` aware."""
    made = [_session(server, catalog, now) for server in servers.values()]
    return sorted(made, key=lambda session: (session.profile, session.server))


def find(all_of_them: list[Session], profile: str) -> Session | None:
    """The session on that profile: the one whose server has its name, before one of another name."""
    named = [session for session in all_of_them if session.profile == profile]
    return min(named, key=lambda session: session.server != profile, default=None)


def cost(hardware: str, since: datetime, now: datetime, prices: Mapping[str, tuple[Price, ...]]) -> Decimal:
    """What a session that runs ``since`` has cost by ``now``; raises CatalogError when no price says so."""
    fact = Fact(since, "session.started", "this", "", (("hardware", hardware),))
    return pricing.cost([fact], list(chain.from_iterable(prices.values())), since, now).usd


def _session(server: Mapping[str, Any], catalog: Catalog, now: datetime) -> Session:
    options = server.get("user_options") or {}
    chosen = options.get("profile")
    profile = chosen if isinstance(chosen, str) and chosen else str(server["name"])
    offered = catalog.profiles.get(profile)
    hardware = catalog.hardware.get(str(options.get("hardware", "")))
    state = _state(server.get("pending"))
    # It begins, and costs, when its hardware is its own; while it starts the hub says only since when it was asked for.
    since = _moment(server.get("started")) if state != "starting" else None
    return Session(
        server=str(server["name"]),
        profile=profile,
        title=offered.title if offered else profile,
        state=state,
        hardware=hardware,
        since=since,
        usd_per_hour=_price(hardware, catalog, now),
        usd_so_far=_so_far(hardware, since, now, catalog) if state != "starting" else Decimal(0),
        path=str(server.get("url", "")),
    )


def _state(pending: object) -> State:
    match pending:
        case "spawn":
            return "starting"
        case "stop":
            return "stopping"
        case _:
            return "running"


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _price(hardware: Hardware | None, catalog: Catalog, now: datetime) -> Decimal | None:
    try:
        return pricing.price_at(catalog.prices[hardware.name], hardware.name, now).usd_per_hour if hardware else None
    except CatalogError:
        return None


def _so_far(hardware: Hardware | None, since: datetime | None, now: datetime, catalog: Catalog) -> Decimal | None:
    if hardware is None or since is None:
        return None
    try:
        return cost(hardware.name, since, now, catalog.prices)
    except CatalogError:
        return None
