"""Guessing passwords is slow; somebody who knows theirs is never shut out by somebody who does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.accounts.throttle import FORGOTTEN_AFTER, LONGEST_WAIT, Throttle, delay


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(-9, 0), (0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 8), (7, 16), (8, 30), (9, 30), (10**9, 30)],
)
def test_the_wait_grows_from_nothing_to_half_a_minute(failures: int, seconds: float) -> None:
    assert delay(failures) == seconds


def fail(throttle: Throttle, name: str, address: str, now: float, times: int) -> float:
    """As many failed tries, each as soon as it may be made; the time after the last."""
    for _ in range(times):
        if wait := throttle.attempt(name, address, now):
            now += wait
            assert throttle.attempt(name, address, now) == 0
    return now


def test_three_tries_are_free_then_each_waits_longer_and_waiting_tries_do_not_count() -> None:
    throttle = Throttle()
    now = fail(throttle, "ada", "10.0.0.1", 0, 3)
    assert now == 0
    assert throttle.attempt("ada", "10.0.0.1", now) == 1
    assert throttle.attempt("ada", "10.0.0.1", now + 0.5) == 0.5
    assert [throttle.attempt("ada", "10.0.0.1", now + 0.9) for _ in range(50)] == [pytest.approx(0.1)] * 50
    assert throttle.attempt("ada", "10.0.0.1", now + 1) == 0
    assert throttle.attempt("ada", "10.0.0.1", now + 1) == 2


def test_tries_made_at_once_are_counted_one_by_one() -> None:
    throttle = Throttle()
    assert [throttle.attempt("ada", "10.0.0.1", 0) for _ in range(5)] == [0, 0, 0, 1, 1]


def test_the_right_password_starts_anew() -> None:
    throttle = Throttle()
    fail(throttle, "ada", "10.0.0.1", 0, 3)
    assert throttle.attempt("ada", "10.0.0.1", 1) == 0
    throttle.succeeded("ada", "10.0.0.1")
    assert [throttle.attempt("ada", "10.0.0.1", 2) for _ in range(4)] == [0, 0, 0, 1]


def test_somebody_elsewhere_waits_at_most_once_however_long_others_guess() -> None:
    throttle = Throttle()
    now = fail(throttle, "ada", "6.6.6.6", 0, 40)
    wait = throttle.attempt("ada", "10.0.0.1", now)
    assert 0 < wait <= LONGEST_WAIT
    # The guessing goes on from many addresses, and does not make the wait longer.
    for host in range(200):
        throttle.attempt("ada", f"6.6.7.{host}", now + wait / 2)
    assert throttle.attempt("ada", "10.0.0.1", now + wait) == 0


def test_other_names_are_free_for_whoever_guesses_elsewhere() -> None:
    throttle = Throttle()
    now = fail(throttle, "ada", "6.6.6.6", 0, 9)
    assert throttle.attempt("ben", "10.0.0.1", now) == 0


def test_one_address_that_tries_many_names_waits_as_well() -> None:
    throttle = Throttle()
    waits = [throttle.attempt(f"person{n}", "6.6.6.6", 0) for n in range(40)]
    assert waits[:13] == [0] * 13
    assert all(wait > 0 for wait in waits[13:])


def test_a_device_that_the_person_used_before_does_not_wait_for_others_even_at_the_same_address() -> None:
    throttle = Throttle()
    now = fail(throttle, "ada", "10.0.0.1", 0, 9)
    assert throttle.attempt("ada", "10.0.0.1", now) > 0
    assert [throttle.attempt("ada", "10.0.0.1", now, device="laptop") for _ in range(4)] == [0, 0, 0, 1]


@pytest.mark.parametrize("here", ["127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1"])
def test_people_who_come_by_this_machines_own_address_do_not_wait_for_each_other(here: str) -> None:
    throttle = Throttle()
    fail(throttle, "ada", here, 0, 20)
    assert [throttle.attempt(f"person{n}", here, 0) for n in range(40)] == [0] * 40


def test_somebody_with_any_number_of_addresses_tries_one_password_a_second() -> None:
    throttle = Throttle()
    tries = 0
    for tenth in range(1200):
        # New addresses, and those that came half a minute ago and may try now.
        for moment in (tenth, tenth - 300):
            block = f"{moment // 250 + 9}.{moment % 250}"
            tries += sum(throttle.attempt("ada", f"10.{n}.{block}", tenth / 10) == 0 for n in range(5))
    assert 30 < tries < 180


def test_addresses_that_one_client_can_choose_from_are_one() -> None:
    throttle = Throttle()
    waits = [throttle.attempt("ada", f"2001:db8:1:2::{n:x}", 0) for n in range(5)]
    assert waits == [0, 0, 0, 1, 1]
    assert throttle.attempt("ben", "2001:db8:1:3::1", 0) == 0


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    throttle = Throttle()
    now = fail(throttle, "ada", "10.0.0.1", 0, 12)
    assert throttle.attempt("ada", "10.0.0.1", now) > 0
    assert [throttle.attempt("ada", "10.0.0.1", now + FORGOTTEN_AFTER + 1) for _ in range(3)] == [0, 0, 0]


def test_its_memory_is_bounded_and_those_who_guess_are_not_forgotten_for_it() -> None:
    throttle = Throttle(most=100)
    now = fail(throttle, "ada", "6.6.6.6", 0, 8)
    for n in range(1000):
        throttle.attempt(f"person{n}", f"10.{n // 250}.0.{n % 250}", now)
        assert throttle.attempt("ada", "6.6.6.6", now) > 0
    assert len(throttle) <= 100


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1.1.1.1", "2.2.2.2"]), st.floats(0, 60),
                          st.booleans()), max_size=60))  # fmt: skip
def test_whatever_happens_nobody_waits_longer_than_half_a_minute(
    events: list[tuple[str, str, float, bool]],
) -> None:
    throttle, now = Throttle(), 0.0
    for name, address, seconds, right in events:
        now += seconds
        wait = throttle.attempt(name, address, now)
        assert 0 <= wait <= LONGEST_WAIT
        if not wait and right:
            throttle.succeeded(name, address)
