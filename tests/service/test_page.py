"""The service's page in a real browser, and the examples on it, run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.a_service import PREFIX, Service

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
LOOKS = [(scheme, width, height) for scheme in ("light", "dark") for width, height in ((1440, 900), (900, 700))]

Open = Callable[..., Page]


@pytest.fixture
def window(browser: Browser, service: Service) -> Iterator[Open]:
    """Brings somebody to the service's page, who logs in on the way."""
    ARTIFACTS.mkdir(exist_ok=True)
    with ExitStack() as stack:

        def made(name: str, scheme: str = "light", width: int = 1440, height: int = 900) -> Page:
            service.token(name)
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                permissions=["clipboard-read", "clipboard-write"],
            )
            stack.callback(context.close)
            page = context.new_page()
            page.goto(service.url)
            page.get_by_label("Username").fill(name)
            page.locator("#password_input").fill(service.passwords[name])
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", name="Your sessions and the API")).to_be_visible()
            return page

        yield made


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_every_page_fits_its_window_and_brings_all_it_needs(
    service: Service, window: Open, scheme: str, width: int, height: int
) -> None:
    """Nothing is asked of another host, nothing is refused by the page's own policy, nothing is missing."""
    service.run("ada")
    page = window("ada", scheme, width, height)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    for name, path in (("api", ""), ("reference", "api/docs"), ("api-problem", "oauth_callback")):
        wrong.clear()
        page.goto(f"{service.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
        page.screenshot(path=ARTIFACTS / f"{name}-{scheme}-{width}.png", full_page=True)
        # A page that says what is wrong has that status itself.
        assert [line for line in wrong if "oauth_callback" not in line and "403" not in line] == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(20, 22, 27)") == (scheme == "dark")
    assert {url.split("/services/")[0] for url in asked} == {service.hub.url}
    service.end("ada")


def test_the_hubs_pages_lead_to_it(service: Service) -> None:
    assert f'href="{PREFIX}">API</a>' in service.browser("ada").get("/hub/token").text


def test_a_session_is_shown_with_its_cost_and_opens(service: Service, window: Open) -> None:
    service.run("ada")
    row = window("ada").locator(".running")
    expect(row).to_contain_text("Small: 2 CPUs · 4 GiB memory · $0.0416 an hour · since")
    expect(row.locator(".state")).to_have_text("Running")
    expect(row.locator(".cost span")).to_have_text(re.compile(r"^(<?\$0\.0\d)$"))
    expect(row.get_by_role("link", name="Open")).to_have_attribute("href", "/user/ada/napari/")
    service.end("ada")


def test_the_examples_on_the_page_run_as_they_stand(service: Service, window: Open) -> None:
    """Copied by their buttons, with a token of one's own."""
    page = window("ada")
    texts = {}
    for example in ("curl", "python"):
        page.locator(f"button[data-copies={example}]").click()
        expect(page.locator(f"button[data-copies={example}]")).to_have_text("Copied")
        texts[example] = page.evaluate("navigator.clipboard.readText()")
    environment = {**os.environ, "SOMAHUB_TOKEN": service.token("ada")}
    told = subprocess.check_output(["sh", "-c", texts["curl"]], env=environment, text=True, timeout=60)
    assert json.loads(told) == {"sessions": []}
    told = subprocess.check_output([sys.executable, "-c", texts["python"]], env=environment, text=True, timeout=120)
    assert re.fullmatch(rf"{service.hub.url}/user/ada/deeplabcut/ 0\.\d+\n", told)
    service.end("ada")


def test_the_page_leads_to_the_hubs_own(service: Service, window: Open) -> None:
    page = window("ada")
    expect(page.get_by_role("link", name="Make a token")).to_have_attribute("href", "/hub/token")
    expect(page.get_by_role("link", name="Log out")).to_have_attribute("href", "/hub/logout")
    page.get_by_role("link", name="the reference").click()
    expect(page.get_by_role("heading", name="The API")).to_be_visible()
    expect(page.locator(".operation")).to_have_count(7)


def test_a_page_of_a_session_reads_nothing_of_it(service: Service, window: Open) -> None:
    """Sessions share the host with this page: what runs in a tab of one gets neither it nor the API by the cookie."""
    page = window("ada")
    page.goto(f"{service.hub.url}/hub/login")
    for path in ("", "api/sessions"):
        status = page.evaluate("async path => (await fetch(path)).status", f"{PREFIX}{path}")
        assert status in (401, 403)
    framed = """path => new Promise(tell => {
        const frame = document.createElement('iframe'); frame.src = path;
        frame.onload = () => { try { tell(frame.contentDocument.body.innerText) } catch (e) { tell('closed') } };
        document.body.append(frame); })"""
    assert "ada" not in page.evaluate(framed, PREFIX)


def test_a_name_in_the_catalogue_or_at_the_log_in_is_never_markup(service: Service, window: Open) -> None:
    """A problem's page repeats nothing that a caller made up as anything but text."""
    page = window("ada")
    page.goto(f"{service.url}<img src=x onerror=document.title='won'>")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert page.title() != "won"
