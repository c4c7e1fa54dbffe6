"""What a session costs follows from facts and prices alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub import pricing
from somahub.errors import CatalogError
from somahub.model import Fact, Price

T = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRICES = [
    Price("gpu", datetime(2026, 1, 1, tzinfo=UTC), Decimal("0.844")),
    Price("gpu", T + 4 * HOUR, Decimal("1.00")),
    Price("small", datetime(2026, 1, 1, tzinfo=UTC), Decimal("0.10")),
]


def started(at, session="s1", hardware="gpu", person="anna"):
    return Fact(at, "session.started", session, person, (("hardware", hardware),))


def stopped(at, session="s1", person="anna"):
    return Fact(at, "session.stopped", session, person, ())


@pytest.mark.parametrize(
    ("facts", "begin", "end", "usd"),
    [
        pytest.param([], T, T + HOUR, "0", id="nothing ran"),
        pytest.param([started(T)], T, T + HOUR, "0.844", id="still running is charged up to now"),
        pytest.param([started(T), stopped(T + HOUR)], T, T + 9 * HOUR, "0.844", id="stopped is charged to its stop"),
        pytest.param([started(T - HOUR)], T, T + HOUR, "0.844", id="only what lies in the interval"),
        pytest.param([started(T), stopped(T + HOUR)], T + HOUR, T + 2 * HOUR, "0", id="ended before the interval"),
        pytest.param([started(T + 2 * HOUR)], T, T + HOUR, "0", id="begins after the interval"),
        pytest.param([started(T)], T, T + 5 * HOUR, "4.376", id="a new price holds from its moment on"),
        pytest.param([started(T, hardware="small")], T, T + 26 * HOUR, "2.60", id="over 24 h no day is forgotten"),
        pytest.param([started(T), started(T + HOUR)], T, T + 2 * HOUR, "1.688", id="a start said twice counts once"),
        pytest.param(
            [started(T), stopped(T + HOUR), stopped(T + 3 * HOUR)], T, T + 4 * HOUR, "0.844", id="the first stop counts"
        ),
        pytest.param(
            [started(T), started(T, "s2", "small"), stopped(T + HOUR)], T, T + HOUR, "0.944", id="sessions add up"
        ),
    ],
)
def test_cost(facts, begin, end, usd):
    assert pricing.cost(facts, PRICES, begin, end).usd == Decimal(usd)


def test_a_poster_month_at_the_poster_price():
    """The AppStream poster's user: 8 h on 22 weekdays and 2 h on 8 weekend days, at $0.844 an hour, is $162.05."""
    facts = []
    for day in range(30):
        at = T + timedelta(days=day)
        hours = 8 if day < 22 else 2
        facts += [started(at, f"d{day}"), stopped(at + hours * HOUR, f"d{day}")]
    bill = pricing.cost(facts, [PRICES[0]], T, T + timedelta(days=31))
    assert bill.usd == Decimal("162.048")
    assert abs(bill.usd - Decimal("161.94")) / Decimal("161.94") < Decimal("0.001")


def test_a_session_without_a_price_is_an_error_not_a_guess():
    with pytest.raises(CatalogError, match="no price for hardware 'tpu' at 2026-11-02 09:00 UTC"):
        pricing.cost([started(T, hardware="tpu")], PRICES, T, T + HOUR)


moments = st.integers(0, 10**9).map(lambda us: T + timedelta(microseconds=us * 50))


@given(moments, moments, st.lists(moments, min_size=1, max_size=5))
def test_a_bill_is_the_same_however_its_interval_is_cut(a, b, cuts):
    begin, end = min(a, b), max(a, b)
    facts = [started(T), stopped(T + 6 * HOUR)]
    whole = pricing.cost(facts, PRICES, begin, end).usd
    edges = sorted([begin, end, *(min(max(cut, begin), end) for cut in cuts)])
    parts = sum((pricing.cost(facts, PRICES, x, y).usd for x, y in pairwise(edges)), Decimal(0))
    assert abs(whole - parts) < Decimal("1e-20")


@pytest.mark.parametrize(
    ("usd", "words"),
    [("0", "$0.00"), ("0.004", "<$0.01"), ("0.844", "$0.84"), ("1234.5", "$1,234.50")],
)
def test_money_reads_as_people_write_it(usd, words):
    assert pricing.money(Decimal(usd)) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [("0.0416", "$0.0416 an hour"), ("1", "$1.00 an hour"), ("0.10", "$0.10 an hour"), ("1200", "$1,200.00 an hour")],
)
def test_a_price_is_told_with_all_its_digits(usd, words):
    assert pricing.rate(Decimal(usd)) == words
