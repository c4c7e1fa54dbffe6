"""What somebody at the desktop can count on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.lab.a_line import line
from tests.lab.a_session import ASession, until
from tests.lab.conftest import log_in

BAR = 36  # pixels


@pytest.fixture
def terminal(desktop: Page, session: ASession) -> Iterator[subprocess.Popen[bytes]]:
    """A window that was opened on the desktop."""
    program = session.open("xterm", "-T", "mine")
    until(lambda: windows(session), "the window is there")
    yield program
    program.kill()
    program.wait()
    until(lambda: not windows(session), "the window is gone")


def windows(session: ASession) -> list[str]:
    return session.x("xdotool", "search", "--onlyvisible", "--name", "^mine$").split()


def size(session: ASession) -> tuple[int, int]:
    """The desktop's own size in pixels."""
    found = re.search(r"current (\d+) x (\d+)", session.x("xrandr"))
    assert found
    return int(found[1]), int(found[2])


def test_the_remote_desktop_is_as_large_as_the_window_and_follows_it(desktop: Page, session: ASession) -> None:
    """The desktop fills the window below the bar, from the start and after each change of its size."""
    until(lambda: size(session) == (1280, 800 - BAR), "the first size")
    desktop.set_viewport_size({"width": 1000, "height": 640})
    until(lambda: size(session) == (1000, 640 - BAR), "the second size")


def test_a_reopened_tab_shows_the_same_window(
    desktop: Page, context: BrowserContext, session: ASession, terminal: subprocess.Popen[bytes]
) -> None:
    """Closing the tab closes nothing in the desktop."""
    before = windows(session)
    desktop.close()
    again = context.new_page()
    again.goto("/user/ada/somahub/desktop")
    again.wait_for_selector("body[data-connected]")
    assert windows(session) == before
    assert terminal.poll() is None


def test_a_dropped_connection_comes_back_by_itself_with_the_same_window(
    browser: Browser, session: ASession, terminal: subprocess.Popen[bytes]
) -> None:
    """While it is away the last picture stays, and a line says what goes on."""
    before = windows(session)
    with line(session.ports[0]) as cable, browser.new_context(base_url=f"http://127.0.0.1:{cable.port}") as context:
        page = log_in(context.new_page(), "ada")
        page.goto("/user/ada/somahub/desktop")
        page.wait_for_selector("body[data-connected]")
        cable.cut()
        expect(page.locator("#notice")).to_contain_text("Reconnecting")
        expect(page.locator("#screen canvas.last")).to_be_visible()
        cable.mend()
        page.wait_for_selector("body[data-connected]")
        expect(page.locator("#notice")).to_be_hidden()
        expect(page.locator("#screen canvas")).to_have_count(1)
    assert windows(session) == before
    assert terminal.poll() is None


def test_a_display_server_that_dies_is_started_again_and_the_page_says_so(desktop: Page, session: ASession) -> None:
    """A crash costs the windows, never the session."""
    found = session.x("pgrep", "-f", f"^Xvnc {session.display} ")
    os.kill(int(found), signal.SIGKILL)
    expect(desktop.locator("#notice")).to_contain_text("was started again")
    desktop.wait_for_selector("body[data-connected]")
    until(lambda: session.x("xprop", "-root", "_NET_SUPPORTING_WM_CHECK").startswith("_NET"), "a window manager")


def test_what_is_typed_reaches_the_window(desktop: Page, session: ASession, terminal: subprocess.Popen[bytes]) -> None:
    """The keyboard is the desktop's from its first frame on; nobody has to click first."""
    session.x("xdotool", "windowfocus", "--sync", windows(session)[0])
    desktop.keyboard.type("touch typed-Here_1\n")
    until((session.folder / "home/typed-Here_1").exists, "the terminal obeyed")


def test_control_alt_b_leads_out_of_the_desktop(desktop: Page) -> None:
    """Somebody without a mouse can reach the bar, though Tab belongs to the desktop."""
    desktop.keyboard.press("Control+Alt+b")
    expect(desktop.locator("#clipboard-open")).to_be_focused()


def test_text_copied_in_the_desktop_can_be_pasted_here(desktop: Page, session: ASession) -> None:
    """By itself where the browser allows it, and in the clipboard's box everywhere."""
    session.copy("Ärger_from the desk")
    until(
        lambda: desktop.evaluate("navigator.clipboard.readText()") == "Ärger_from the desk", "the browser's clipboard"
    )
    desktop.click("#clipboard-open")
    expect(desktop.locator("#clipboard-text")).to_have_value("Ärger_from the desk")


def test_text_copied_here_can_be_pasted_in_the_desktop(desktop: Page, session: ASession) -> None:
    """When the window gets the focus, or through the clipboard's box."""

    def pasted() -> str:
        return session.x("timeout", "2", "xclip", "-selection", "clipboard", "-out")

    desktop.evaluate("navigator.clipboard.writeText('~/buckets/mine/vidéo.mp4')")
    desktop.evaluate("window.dispatchEvent(new Event('focus'))")
    until(lambda: pasted() == "~/buckets/mine/vidéo.mp4", "the desktop's clipboard")
    desktop.click("#clipboard-open")
    desktop.fill("#clipboard-text", "by hand")
    until(lambda: pasted() == "by hand", "the desktop's clipboard, from the box")


def test_the_bar_names_profile_hardware_time_and_cost(desktop: Page) -> None:
    """What it is, what it runs on, and what it costs, always in sight."""
    bar = desktop.locator(".bar")
    expect(bar).to_contain_text("DeepLabCut")
    expect(bar).to_contain_text("2 cores, 8 GiB")
    expect(bar.locator(".meter")).to_have_text(re.compile(r"^\d+ h \d\d min · \$\d+\.\d\d$"))
