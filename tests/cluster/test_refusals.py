"""What cannot start says why, at once, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import Visitor, until, visiting
from tests.cluster.deployed import Deployed


@pytest.fixture(scope="module")
def finn(browser: Browser, deployed: Deployed) -> Iterator[Visitor]:
    with visiting(browser, deployed) as visit:
        made = visit("finn")
        made.log_in()
        yield made


def refused(person: Visitor, deployed: Deployed, profile: str, hardware: str, seconds: float) -> str:
    """What somebody is told who asks for what cannot be had."""
    person.page.goto(f"{deployed.url}/hub/home")
    card = person.page.locator(f"#profile-{profile}")
    card.locator(f"input[value={hardware}]").check()
    card.get_by_role("button", name="Start").click()
    line = person.page.locator("#progress-message.error-line")
    expect(line).to_be_visible(timeout=seconds * 1000)
    person.keep(f"cluster-refused-{profile}-{hardware}")
    return line.text_content() or ""


def test_a_node_without_a_gpu_is_said_to_have_none(finn: Visitor, deployed: Deployed) -> None:
    line = refused(finn, deployed, "notebook", "gpu", 20)
    assert "No node has room for GPU (" in line
    assert "no free GPU" in line
    assert "or choose smaller hardware" in line
    assert not deployed.pods(person="finn")


def test_a_full_node_is_said_to_be_full(finn: Visitor, deployed: Deployed) -> None:
    line = refused(finn, deployed, "notebook", "large", 20)
    assert re.search(r"too (few free CPUs|little free memory)", line)
    assert "Stop another session" in line


def test_an_image_that_is_not_there_is_named(finn: Visitor, deployed: Deployed) -> None:
    line = refused(finn, deployed, "ghost", "small", 100)
    assert "The image of Ghost, " in line
    assert "administrator pushes it" in line or "administrator looks at the registry" in line
    assert not deployed.pods(person="finn")


def test_hardware_that_is_not_offered_is_refused_with_what_is(finn: Visitor, deployed: Deployed) -> None:
    finn.page.goto(f"{deployed.url}/hub/home")
    finn.page.locator("#profile-napari input[value=small]").evaluate("input => input.value = 'huge'")
    finn.page.locator("#profile-napari").get_by_role("button", name="Start").click()
    expect(finn.page.locator("main")).to_contain_text("napari is not offered on 'huge'; choose small, large, gpu")


def test_refusals_one_after_another_do_not_end_the_hub(finn: Visitor, deployed: Deployed) -> None:
    (hub,) = deployed.pods(component="hub")
    ends = hub["status"]["containerStatuses"][0]["restartCount"]
    # One more than Zero-to-JupyterHub's chart lets pass; it ends the hub two seconds after the last.
    for _ in range(6):
        deployed.ask("POST", "/users/finn/servers/napari", {"profile": "napari", "hardware": "huge"})
        until(lambda: "napari" not in finn.servers(), 10)
    said = deployed.kubectl("logs", "deploy/hub", "--tail=200")
    assert "Aborting due to" not in said
    assert deployed.answers()
    (hub,) = deployed.pods(component="hub")
    assert hub["status"]["containerStatuses"][0]["restartCount"] == ends


def test_after_a_refusal_something_else_starts(finn: Visitor, deployed: Deployed) -> None:
    finn.page.goto(f"{deployed.url}/hub/home")
    finn.start("notebook")
    assert deployed.pods(person="finn")
