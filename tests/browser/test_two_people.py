"""Two people at once, each in a session of their own, whatever happens to the hub."""

from __future__ import annotations

import os
import signal

import httpx
import psutil
from playwright.sync_api import expect

from tests.browser.visitor import Visit, share, until
from tests.somahub_under_test import Somahub

NAPARI = (0, 0, 0)  # the ground of its empty canvas
TERMINAL = (100, 877)  # in the panel of napari's desktop


def test_two_people_work_side_by_side_and_cannot_open_each_others_session(visit: Visit, somahub: Somahub) -> None:
    eva, fritz = visit("eva"), visit("fritz")
    for person in (eva, fritz):
        person.log_in()
        person.start("napari")
        person.see_desktop()
    assert (somahub.bucket("eva")).is_dir()
    for person, other in ((eva, fritz), (fritz, eva)):
        for path in ("", "somahub/desktop", "lab", "api/contents", "somahub/api/status"):
            answer = person.page.request.get(f"{somahub.url}/user/{other.name}/napari/{path}")
            assert answer.status in (403, 404), path
        answer = person.page.request.get(f"{somahub.url}/hub/api/users/{other.name}")
        assert answer.status in (403, 404)
    eva.keep("eva")
    fritz.keep("fritz")


def test_a_desktop_stays_connected_while_the_hub_is_killed_and_the_hub_finds_its_session(
    visit: Visit, somahub: Somahub
) -> None:
    greta = visit("greta")
    greta.log_in()
    greta.start("napari")
    greta.see_desktop()
    until(lambda: share(greta.picture(), NAPARI) > 0.15, 60)
    shown = greta.settled()
    hub = listener(somahub.hub_port)
    os.kill(hub, signal.SIGKILL)
    greta.page.mouse.click(*TERMINAL)
    until(lambda: greta.picture().tobytes() != shown.tobytes(), 20)
    until(lambda: answers(somahub) and listener(somahub.hub_port) != hub, 30)
    greta.page.goto(f"{somahub.url}/hub/home")
    expect(greta.page.locator(".running[data-server=napari] .state")).to_have_text("Running")
    greta.page.get_by_role("link", name="Open").click()
    greta.see_desktop()
    assert shown.size == greta.picture().size


def test_after_stop_no_process_and_no_mount_of_a_session_is_left(visit: Visit, somahub: Somahub) -> None:
    hugo = visit("hugo")
    hugo.log_in()
    before = of_sessions(somahub)
    hugo.start("napari")
    hugo.see_desktop()
    assert len(of_sessions(somahub)) > len(before) + 5
    hugo.stop_everything()
    until(lambda: of_sessions(somahub) <= before, 10)
    assert not list((somahub.data / "run" / "sessions").iterdir())


def listener(port: int) -> int:
    """The process that listens on a port of the loopback interface; 0 if none."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            return connection.pid or 0
    return 0


def answers(somahub: Somahub) -> bool:
    try:
        return httpx.get(f"{somahub.url}/hub/login").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def of_sessions(somahub: Somahub) -> set[int]:
    """The processes of this instance's sessions: all below a holder, which names the data folder."""
    found: set[int] = set()
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if "sandbox.holder" in words and str(somahub.data) in words:
            found |= {process.pid, *(child.pid for child in process.children(recursive=True))}
    return found
