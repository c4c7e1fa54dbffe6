"""What each page tells a person, and how it looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visit
from tests.somahub_under_test import Somahub

LOOKS = [(scheme, width, height) for scheme in ("light", "dark") for width, height in ((1440, 900), (900, 700))]


def test_a_wrong_password_is_said_in_one_line_and_the_name_is_kept(visit: Visit, somahub: Somahub) -> None:
    carla = visit("carla")
    carla.page.goto(somahub.url)
    carla.page.get_by_label("Username").fill("carla")
    carla.page.locator("#password_input").fill("not this")
    carla.page.get_by_role("button", name="Sign in").click()
    expect(carla.page.locator(".login_error")).to_have_text(re.compile(r"^Invalid username or password\.?$"))
    expect(carla.page.get_by_label("Username")).to_have_value("carla")
    carla.keep("wrong-password")


def test_every_choice_shows_its_price_and_one_that_cannot_start_says_why(visit: Visit) -> None:
    carla = visit("carla")
    carla.log_in()
    for card in carla.page.locator("form.card-profile").all():
        for choice in card.locator(".choices label").all():
            expect(choice.locator(".price")).to_have_text(re.compile(r"^\$\d+\.\d{2,} an hour$"))
            if choice.locator("input").is_disabled():
                expect(choice.locator(".why")).to_have_text(re.compile(r"^(Needs|No) .+\.$"))
            else:
                expect(choice.locator(".why")).to_have_count(0)
        startable = card.locator(".choices input:enabled").count() > 0
        expect(card.locator("button")).to_have_text("Start" if startable else "Cannot start")
        expect(card.locator("button")).to_be_enabled(enabled=startable)


def test_hardware_that_is_not_offered_is_refused_with_one_line_however_it_is_asked_for(visit: Visit) -> None:
    carla = visit("carla")
    carla.log_in()
    carla.page.evaluate("document.querySelector('#profile-napari input[name=hardware]:checked').value = 'mainframe'")
    carla.page.locator("#profile-napari").get_by_role("button", name="Start").click()
    expect(carla.page.get_by_role("alert")).to_contain_text("napari is not offered on 'mainframe'")
    assert carla.servers() == {}


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_every_page_fits_its_window(visit: Visit, somahub: Somahub, scheme: str, width: int, height: int) -> None:
    dora = visit("dora", scheme, width, height)

    def look(name: str) -> None:
        assert dora.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
        dora.keep(f"{name}-{scheme}-{width}")

    dora.page.goto(somahub.url)
    look("log-in")
    dora.log_in()
    look("home")
    dora.start("napari")
    dora.see_desktop()
    dora.settled()
    look("desktop")
    base = dora.page.url.split("/somahub/")[0]
    dora.page.goto(f"{base}/somahub/")
    look("landing")
    dora.page.goto(f"{somahub.url}/hub/home")
    expect(dora.page.locator(".running")).to_be_visible()
    look("running")
    dora.page.goto(f"{somahub.url}/hub/password")
    look("password")
    dora.page.goto(f"{somahub.url}/hub/nowhere")
    look("not-found")
