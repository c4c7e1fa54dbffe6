"""What is said of a session, and what it costs: the pure parts, by tables and properties."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.catalog import Catalog
from somahub.errors import CatalogError
from somahub.model import Hardware, Price, Profile
from somahub.service import answers
from somahub.service.sessions import cost, find, sessions

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = Hardware("small", "Small", 2, 4 << 30)
NAPARI = Profile("napari", "0123456789ab", "napari", "Images.", "napari", "desktop", ("small",))

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
dollars = st.decimals(0, 1000, places=4, allow_nan=False)


def a_catalog(*usd: str) -> Catalog:
    """One profile on one hardware, whose price is the next of ``usd`` each day."""
    prices = tuple(Price("small", BEGIN + timedelta(days=day), Decimal(one)) for day, one in enumerate(usd))
    return Catalog({"napari": NAPARI}, {"small": SMALL}, MappingProxyType({"small": prices}))


def a_server(**other: Any) -> dict[str, Any]:
    """A server as the hub says it."""
    options = {"profile": "napari", "hardware": "small"}
    said = {"name": "napari", "pending": None, "ready": True, "started": "2026-01-01T00:00:00.000000Z"}
    return {**said, "url": "/user/ada/napari/", "user_options": options, **other}


@given(since=moments, spans=st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), min_size=2), usd=dollars)
def test_a_cost_only_grows(since: datetime, spans: list[timedelta], usd: Decimal) -> None:
    prices = {"small": (Price("small", BEGIN, usd),)}
    costs = [cost("small", since, since + span, prices) for span in sorted(spans)]
    assert costs[0] >= 0
    assert all(earlier <= later for earlier, later in itertools.pairwise(costs))


@given(since=moments, hours=st.integers(0, 10_000), usd=dollars)
def test_whole_hours_at_one_price_cost_their_number_times_it(since: datetime, hours: int, usd: Decimal) -> None:
    prices = {"small": (Price("small", BEGIN, usd),)}
    assert cost("small", since, since + timedelta(hours=hours), prices) == usd * hours


@given(since=moments, now=moments, usd=dollars)
def test_a_clock_that_runs_behind_makes_nobody_pay(since: datetime, now: datetime, usd: Decimal) -> None:
    """The hub's clock may be ahead of the service's; a cost below nothing is none."""
    prices = {"small": (Price("small", BEGIN, usd),)}
    assert (cost("small", since, now, prices) == 0) == (now <= since or usd == 0)


def test_a_change_of_price_counts_from_its_day_on() -> None:
    prices = a_catalog("1", "2").prices
    assert cost("small", BEGIN + timedelta(hours=12), BEGIN + timedelta(hours=36), prices) == 12 + 24


def test_a_time_without_a_price_has_no_cost() -> None:
    with pytest.raises(CatalogError):
        cost("small", BEGIN - timedelta(days=1), BEGIN, a_catalog("1").prices)


@pytest.mark.parametrize(
    ("pending", "ready", "state"),
    [
        (None, True, "running"),
        ("check", False, "running"),
        ("spawn", False, "starting"),
        ("stop", False, "stopping"),
    ],
)
def test_the_state_in_words(pending: str | None, ready: bool, state: str) -> None:
    (session,) = sessions({"napari": a_server(pending=pending, ready=ready)}, a_catalog("1"), BEGIN)
    assert session.state == state


def test_a_session_that_starts_has_no_beginning_and_costs_nothing_yet() -> None:
    now = BEGIN + timedelta(hours=1)
    (session,) = sessions({"napari": a_server(pending="spawn")}, a_catalog("1"), now)
    told = (session.since, session.usd_so_far, session.usd_per_hour)
    assert told == (None, Decimal(0), Decimal(1))


@pytest.mark.parametrize(
    "options",
    [None, {}, {"profile": "napari", "hardware": "gone"}, {"hardware": None}, {"profile": 7, "hardware": ["small"]}],
)
def test_a_session_on_hardware_that_is_not_offered_is_shown_without_a_cost(options: Any) -> None:
    """The catalogue may have changed since it began, or somebody started it by the hub's own API."""
    (session,) = sessions({"napari": a_server(user_options=options)}, a_catalog("1"), BEGIN)
    told = answers.session(session, "https://hub")
    assert (told.profile, told.hardware, told.usd_per_hour, told.usd_so_far) == ("napari", None, None, None)


def test_a_session_on_a_profile_that_is_not_offered_any_more_can_be_found() -> None:
    servers = {"sleap": a_server(name="sleap", user_options={"profile": "sleap", "hardware": "small"})}
    found = find(sessions(servers, a_catalog("1"), BEGIN), "sleap")
    assert found is not None
    assert (found.title, found.server) == ("sleap", "sleap")


def test_of_two_on_one_profile_the_one_that_is_named_so_is_meant() -> None:
    """A server without a name is one that was not started by a card."""
    servers = {"": a_server(name=""), "napari": a_server()}
    found = find(sessions(servers, a_catalog("1"), BEGIN), "napari")
    assert found is not None
    assert found.server == "napari"
    alone = find(sessions({"": a_server(name="")}, a_catalog("1"), BEGIN), "napari")
    assert alone is not None
    assert alone.server == ""


def test_money_is_text_without_an_exponent_to_a_millionth_of_a_dollar() -> None:
    catalog = a_catalog("0.0000001")
    (session,) = sessions({"napari": a_server()}, catalog, BEGIN + timedelta(hours=1))
    told = answers.session(session, "")
    assert (told.usd_per_hour, told.usd_so_far) == ("0.0000001", "0.000000")


def test_an_address_is_whole_whatever_the_hub_says_of_it() -> None:
    """A hub with a host for each person says whole addresses itself."""
    (session,) = sessions({"napari": a_server()}, a_catalog("1"), BEGIN)
    assert answers.session(session, "https://hub").address == "https://hub/user/ada/napari/"
    (session,) = sessions({"napari": a_server(url="https://ada.hub/user/ada/napari/")}, a_catalog("1"), BEGIN)
    assert answers.session(session, "https://hub").address == "https://ada.hub/user/ada/napari/"
