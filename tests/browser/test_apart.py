"""What a colleague's page can do to whoever opens it: nothing, although to the browser it is of the same site."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visit
from tests.somahub_under_test import Somahub, hub_user

# What somebody puts into their own home: their session then serves a page to all, without asking who comes.
SERVES_ALL = """
from somahub_lab.jupyter import Addresses
from tornado.web import RequestHandler

class Trap(RequestHandler):
    def get(self):
        script = self.request.path.endswith(".js")
        self.set_header("Content-Type", "text/javascript" if script else "text/html")
        self.set_header("Service-Worker-Allowed", "/")
        self.finish("" if script else "<button>look</button>")

find = Addresses.find_handler
def find_handler(self, request, **more):
    own = self._own.get_handler_delegate(request, Trap)
    return own if "/trap/" in request.path else find(self, request, **more)
Addresses.find_handler = find_handler
"""

FETCH = """async ([path, mode]) => {
    const answer = await fetch(path, { mode });
    return /token/.test(await answer.text()); }"""
WORKER = """async () => {
    try { return (await navigator.serviceWorker.register("sw.js", { scope: "/" })).scope; }
    catch { return "refused"; } }"""
READ = "() => { try { return opened.document.body.textContent; } catch { return 'nothing'; } }"


@pytest.fixture
def trap(visit: Visit, somahub: Somahub) -> str:
    """The address of a page that Iris's session serves to everybody."""
    iris = visit("iris")
    iris.log_in()
    settings = somahub.data / "homes/iris/.jupyter"
    settings.mkdir(parents=True, mode=0o700, exist_ok=True)
    (settings / "jupyter_server_config.py").write_text(SERVES_ALL)
    for made in (settings.parent, settings, *settings.iterdir()):
        shutil.chown(made, hub_user())
    iris.start("notebook")
    return f"{somahub.url}/user/iris/notebook/trap/page.html"


def test_a_colleagues_page_cannot_read_ones_pages_nor_stand_before_them(visit: Visit, trap: str) -> None:
    """By no request, no window that it opens, and no worker: a token on such a page is a way to all that one has."""
    jan = visit("jan")
    jan.log_in()
    page = jan.page
    page.goto(trap)
    for mode in ("no-cors", "cors", "same-origin"):
        assert not page.evaluate(FETCH, ["/hub/home", mode]), mode
        assert not page.evaluate(FETCH, ["/hub/api/oauth2/authorize", mode]), mode
    assert page.evaluate(WORKER) == "refused"
    assert "Nothing is running" not in opened_by(page)


def opened_by(page: Page) -> str:
    """What a page can read of the hub's page that it has opened."""
    page.evaluate("document.querySelector('button').onclick = () => { opened = window.open('/hub/home'); }")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="look").click()
    expect(opened.value.get_by_role("heading", name="Sessions", exact=True)).to_be_visible()
    return str(page.evaluate(READ))


def test_a_link_starts_no_session(visit: Visit, somahub: Somahub) -> None:
    """Whoever sends one would have others pay: it shows the cards."""
    kim = visit("kim")
    kim.log_in()
    kim.page.goto(f"{somahub.url}/hub/spawn/kim/notebook?opt-profile=notebook&opt-hardware=small")
    expect(kim.page.locator("#profile-notebook")).to_be_visible()
    assert not kim.servers()
