"""A session's plan holds everything that it is, and no secret."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from somahub import plan
from somahub.errors import CatalogError
from somahub.model import App, Folder, Hardware, Person, Profile

DLC = Profile("deeplabcut", "abc123", "DeepLabCut", "Label and train.", "dlc", "desktop", ("small", "gpu"))
SMALL = Hardware("small", "Small", 2, 4 << 30)


def make(**changes):
    given = {
        "person": Person("Anna@lab", "anna-lab-x1"),
        "server": "deeplabcut",
        "profile": DLC,
        "app": App("dlc", "0123456789ab"),
        "hardware": SMALL,
        "usd_per_hour": Decimal("0.10"),
        "at": datetime(2026, 11, 2, 9, 5, 7, 123456, tzinfo=UTC),
    }
    return plan.session(**(given | changes))


def test_a_session_is_named_for_its_person_profile_and_moment():
    assert make().session == "anna-lab-x1-deeplabcut-20261102t090507123"


def test_a_session_pins_the_profile_and_the_environment_that_it_started_with():
    made = make()
    assert made.profile == "deeplabcut@abc123"
    assert made.app == App("dlc", "0123456789ab")


def test_a_session_sees_its_persons_own_bucket_to_write_and_nothing_else():
    assert make().folders == (Folder("own-anna-lab-x1", "mine", "write"),)


def test_a_session_is_told_what_it_is_in_words_that_hold_no_secret():
    assert dict(make().environment) == {
        "SOMAHUB_APP": "dlc",
        "SOMAHUB_HARDWARE_TITLE": "Small",
        "SOMAHUB_OPENS": "desktop",
        "SOMAHUB_PROFILE_TITLE": "DeepLabCut",
        "SOMAHUB_SESSION": "anna-lab-x1-deeplabcut-20261102t090507123",
        "SOMAHUB_STARTED": "2026-11-02T09:05:07+00:00",
        "SOMAHUB_USD_PER_HOUR": "0.10",
    }


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"hardware": Hardware("huge", "Huge", 64, 1 << 40)},
            "profile deeplabcut is not offered on huge; choose one of small, gpu",
        ),
        ({"app": App("napari", "x")}, "profile deeplabcut is of app dlc, not napari"),
    ],
)
def test_a_plan_that_the_profile_does_not_offer_is_refused(changes, line):
    with pytest.raises(CatalogError, match=line):
        make(**changes)
