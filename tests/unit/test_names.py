"""A slug is safe wherever names go, and no two people share one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.names import slug, why_not

LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
NAMES = st.one_of(st.text(), st.from_regex(r"[a-c.@-]{1,5}", fullmatch=True), st.from_regex(r"[a-z-]{28,36}"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ada", "ada"),
        ("ada-lovelace2", "ada-lovelace2"),
        ("a" * 32, "a" * 32),
        ("a" * 33, "a" * 18 + "--852785c805c7"),
        ("Ada", "ada--99a563ab2f6e"),
        ("ada.lovelace@lab.org", "ada-lovelace-lab-o--1ba322d5cf3c"),
        ("ada--lovelace", "ada-lovelace--547f7d466691"),
        ("-ada", "ada--f32a7c99de73"),
        ("7up", "up--be39b1e74509"),
        ("007", "x--629f4cf9337b"),
        ("..", "x--5ec1f7e700f3"),
        ("", "x--e3b0c44298fc"),
        ("José", "jos--24c2ab65b7ad"),
        ("../../etc/passwd", "etc-passwd--3754d6cb3a38"),
    ],
)
def test_a_plain_name_stays_and_any_other_keeps_what_can_be_read(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(NAMES)
def test_a_slug_is_a_label_of_at_most_32_characters(name: str) -> None:
    assert LABEL.fullmatch(slug(name))
    assert len(slug(name)) <= 32


@given(st.sets(NAMES, min_size=2, max_size=20))
def test_different_names_have_different_slugs(names: set[str]) -> None:
    assert len({slug(name) for name in names}) == len(names)


@given(NAMES)
def test_nobody_can_choose_a_name_that_is_another_ones_slug(name: str) -> None:
    assert slug(slug(name)) != slug(name) or slug(name) == name


@pytest.mark.parametrize("name", ["ada", "7up", "ada.lovelace+lab@uni.edu", "a_b-c", "x" * 64])
def test_user_names_that_may_be(name: str) -> None:
    assert why_not(name) == ""


@pytest.mark.parametrize(
    "name", ["", "Ada", ".", "..", "-rf", "a b", "a/b", "a\nb", "ada\n", "josé", "x" * 65, "a\x00", "@ada", "a%2e"]
)
def test_user_names_that_may_not_be_are_told_why_in_one_line(name: str) -> None:
    line = why_not(name)
    assert "cannot be a user name: take 1 to 64 of small letters" in line
    assert line.isprintable()
