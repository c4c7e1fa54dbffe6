"""A session's landing page, Jupyter behind it, and who may see either."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, expect

from tests.lab.a_line import line
from tests.lab.a_session import ASession, until
from tests.lab.conftest import log_in


def test_the_landing_page_offers_desktop_notebook_and_files(context: BrowserContext, session: ASession) -> None:
    """And says what the session is, what it has cost so far, and where the buckets lie."""
    page = context.new_page()
    page.goto("/user/ada/somahub/")
    for way in ("Desktop", "Notebook", "Files"):
        expect(page.get_by_role("link", name=way)).to_be_visible()
    expect(page.locator("h1")).to_have_text("DeepLabCut")
    expect(page.locator("header")).to_contain_text("2 cores, 8 GiB · $0.42 an hour")
    expect(page.locator(".cost")).to_have_text(re.compile(r"^\$\d+\.\d\d$"))
    expect(page.locator("code")).to_have_text("~/buckets/mine")


def test_the_bare_address_opens_what_the_profile_opens(context: BrowserContext, session: ASession) -> None:
    """A desktop profile leads to the desktop."""
    page = context.new_page()
    page.goto("/user/ada/")
    assert page.url == f"{session.url}/user/ada/somahub/desktop"


def test_a_session_starts_without_loading_what_its_first_page_does_not_need(session_environment: Path) -> None:
    """Jupyter, aiohttp and the hub's database layer are a second's work that nobody waits for."""
    heavy = "{'jupyter_server', 'jupyterlab', 'aiohttp', 'sqlalchemy', 'alembic', 'jupyterhub.orm'}"
    code = f"import sys, somahub_lab.server; print(sorted({heavy} & sys.modules.keys()))"
    python = session_environment / "bin/python"
    assert subprocess.check_output([python, "-I", "-c", code], text=True).strip() == "[]"


def test_what_was_stood_in_for_is_there_for_whoever_needs_it(session_environment: Path) -> None:
    """A notebook server that imports the hub's own modules later gets the real ones."""
    code = "import somahub_lab.hub, aiohttp, sqlalchemy.exc, jupyterhub.orm; print(jupyterhub.orm.User.__tablename__)"
    python = session_environment / "bin/python"
    assert subprocess.check_output([python, "-I", "-c", code], text=True).strip() == "users"


def test_jupyterlab_is_there_when_somebody_asks_for_it(context: BrowserContext, session: ASession) -> None:
    """Its kernels are the app's alone: the server's own Python, which has none of its packages, is not offered."""
    kernel = session.folder / "app/share/jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    python = session.environment / "bin/python"
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "The app's"}
    kernel.write_text(json.dumps({**spec, "language": "python"}))
    page = context.new_page()
    page.goto("/user/ada/lab/tree/buckets")
    page.wait_for_selector("#jp-main-dock-panel")
    expect(page.locator(".jp-DirListing-itemText", has_text="mine")).to_be_visible()
    names = page.locator('.jp-LauncherCard[data-category="Notebook"] .jp-LauncherCard-label')
    expect(names).to_have_text(["The app's"])
    names.first.click()
    expect(page.locator(".jp-NotebookPanel")).to_be_visible()
    until(lambda: (session.folder / "home/buckets/Untitled.ipynb").exists(), "the notebook is saved in the folder")
    expect(page.get_by_role("button", name="The app's | Idle")).to_be_visible()
    page.locator(".jp-NotebookPanel .cm-content").first.click()
    page.keyboard.type("print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output")).to_have_text("42")


def test_nobody_else_gets_in(browser: Browser, session: ASession) -> None:
    """Not onto a page, not to the desktop, not to Jupyter; a stranger is sent to log in, a colleague refused."""
    session.spawn()
    with browser.new_context(base_url=session.url) as stranger:
        page = stranger.new_page()
        page.goto("/user/ada/somahub/desktop")
        assert "/hub/login" in page.url
        assert page.request.get("/user/ada/api/contents", max_redirects=0).status in (302, 403)
    with browser.new_context(base_url=session.url) as colleague:
        page = log_in(colleague.new_page(), "bob")
        for path in ("somahub/", "somahub/desktop", "lab"):
            answer = page.goto(f"/user/ada/{path}")
            assert answer is not None
            assert answer.status == 403, path


def test_a_page_of_somebody_elses_cannot_open_the_desktop(context: BrowserContext, session: ASession) -> None:
    """The screen asks for the page's own token: a cookie alone, which the browser sends for any page, is not enough."""
    page = context.new_page()
    page.goto("/user/ada/somahub/")
    opened = """async (url) => new Promise((tell) => {
        const line = new WebSocket(url); line.onopen = () => tell(true); line.onerror = () => tell(false); })"""
    screen = "/user/ada/somahub/screen"
    assert page.evaluate(opened, screen) is False
    token = page.evaluate("JSON.parse(document.getElementById('facts').textContent).xsrf")
    assert page.evaluate(opened, f"{screen}?_xsrf={token}") is True


def test_a_page_of_somebody_elses_cannot_open_what_jupyter_runs(context: BrowserContext, session: ASession) -> None:
    """Its cookie is sent along by the browser, so a websocket wants the token that JupyterLab's own page knows."""
    page = context.new_page()
    page.goto("/user/ada/lab")
    page.wait_for_selector("#jp-main-dock-panel")
    token = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).token")
    page.goto("/user/ada/somahub/")
    opens = """query => new Promise(tell => {
        const socket = new WebSocket(`ws://${location.host}/user/ada/api/events/subscribe${query}`);
        socket.onopen = () => tell(true); socket.onerror = () => tell(false); })"""
    assert page.evaluate(opens, f"?token={token}")
    assert not page.evaluate(opens, "")
    assert not page.evaluate(opens, "?token=guessed")
    # What jupyter-server-proxy shows is shown to scripts too: there must be no token on it.
    failed = page.request.get("/user/ada/proxy/9/")
    assert failed.status == 500
    assert "api-token" not in failed.text()


def test_no_page_runs_what_it_did_not_bring(context: BrowserContext, session: ASession) -> None:
    """No inline script, nothing from another host, no frame around it."""
    answer = context.new_page().goto("/user/ada/somahub/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_stop_asks_first_and_then_ends_the_session(context: BrowserContext, session: ASession) -> None:
    """Keep it running keeps it; Stop stops it, and leads to the hub's page."""
    page = context.new_page()
    page.goto("/user/ada/somahub/desktop")
    page.wait_for_selector("body[data-connected]")
    page.click("#stop-open")
    page.get_by_role("button", name="Keep it running").click()
    assert session.runs()
    page.click("#stop-open")
    page.locator("#stop").get_by_role("button", name="Stop").click()
    page.wait_for_url("**/hub/home")
    until(lambda: not session.runs(), "the hub says that it has stopped")


def test_a_page_left_open_says_when_its_session_has_ended(context: BrowserContext, session: ASession) -> None:
    """And leads to the hub's page; it does not try for ever."""
    page = context.new_page()
    page.goto("/user/ada/somahub/desktop")
    page.wait_for_selector("body[data-connected]")
    assert session.api("DELETE", "/users/ada/server").status_code in (202, 204)
    expect(page.locator("#notice")).to_contain_text("This session has ended", timeout=15_000)
    page.get_by_role("link", name="All sessions").click()
    page.wait_for_url("**/hub/home")


def test_a_page_left_open_says_when_its_login_has_ended(
    browser: Browser, context: BrowserContext, session: ASession
) -> None:
    """After a drop the desktop is shown to nobody who is not logged in any more."""
    with line(session.ports[0]) as cable, browser.new_context(base_url=f"http://127.0.0.1:{cable.port}") as elsewhere:
        page = log_in(elsewhere.new_page(), "ada")
        page.goto("/user/ada/somahub/desktop")
        page.wait_for_selector("body[data-connected]")
        cable.cut()
        elsewhere.clear_cookies()
        cable.mend()
        expect(page.locator("#notice")).to_contain_text("You are logged out")
