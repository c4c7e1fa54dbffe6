"""The story, in pods: log in, choose DeepLabCut, label, come back to the same window, whatever is killed meanwhile."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Error, expect

from tests.browser.labelling import DEEPLABCUT, TERMINAL, label
from tests.browser.visitor import Visitor, share, until, visiting
from tests.cluster.deployed import Deployed

PROJECT = "buckets/mine/sample-openfield"
APP = "/opt/somahub/apps/dlc/bin/python"
BLANK = """
import glob, numpy, os, pandas
truth = "/home/user/truth.pickle"
(file,) = glob.glob("/home/user/{project}/labeled-data/*/CollectedData_*.h5")
labels = pandas.read_hdf(file)
if not os.path.exists(truth):
    labels.to_pickle(truth)
labels.iloc[2] = numpy.nan
labels.to_hdf(file, key="df_with_missing")
print(file)
"""


@pytest.fixture(scope="module")
def anna(browser: Browser, deployed: Deployed) -> Iterator[Visitor]:
    """Somebody whose DeepLabCut runs, for the whole story."""
    with visiting(browser, deployed) as visit:
        made = visit("anna")
        made.log_in()
        made.keep("cluster-cards")
        made.page.locator("#profile-deeplabcut").get_by_role("button", name="Start").click()
        made.told = told(made)
        made.see_desktop()
        yield made


def told(person: Visitor) -> list[str]:
    """What the waiting page said until the session's page was there."""
    said: list[str] = []
    deadline = time.monotonic() + 150
    while "/hub/" in person.page.url:
        assert time.monotonic() < deadline, f"the session does not start: {said}"
        if person.page.locator("#progress-message").count():
            words = person.page.locator("#progress-message").text_content() or ""
            if words and (not said or said[-1] != words):
                said.append(words)
        person.page.wait_for_timeout(50)
    return said


def test_whoever_waits_for_a_pod_is_told_so_in_words(anna: Visitor) -> None:
    assert any("node" in words or "home" in words or "Started" in words for words in anna.told), anna.told


def test_a_scientist_labels_the_sample_in_deeplabcut_and_comes_back_to_the_same_window(
    anna: Visitor, deployed: Deployed
) -> None:
    until(lambda: share(anna.picture(), DEEPLABCUT) > 0.5, 180)
    anna.settled()
    anna.keep("cluster-deeplabcut")
    script = BLANK.format(project=PROJECT)
    file = deployed.inside("anna", APP, "-c", script).strip().removeprefix("/home/user/")
    truth = pd.read_pickle(io.BytesIO(deployed.read("anna", "truth.pickle")))  # noqa: S301 - written above
    label(anna, truth, "sample-openfield")
    anna.page.keyboard.press("Control+s")
    until(lambda: {"snout", "leftear"} <= labelled(deployed, file), 60)
    saved = table(deployed, file)
    for part in ("snout", "leftear"):
        written, wanted = (frame.iloc[2].xs(part, level="bodyparts").to_numpy() for frame in (saved, truth))
        assert np.abs(written - wanted).max() < 2.5, part
    anna.keep("cluster-labelled")

    anna.come_back()


def test_a_session_goes_on_while_the_hub_is_killed(anna: Visitor, deployed: Deployed) -> None:
    pod = deployed.pods(person="anna")[0]["metadata"]["uid"]
    deployed.kill("hub")
    answers_the_mouse(anna)
    until(deployed.answers, 60)
    until(lambda: anna.servers().get("deeplabcut", {}).get("ready"), 30)
    assert deployed.pods(person="anna")[0]["metadata"]["uid"] == pod
    home = anna.page.context.new_page()
    home.goto(f"{deployed.url}/hub/home")
    expect(home.locator(".running .cost")).to_contain_text("$")
    home.close()


def test_a_proxy_that_was_killed_is_back_within_five_seconds(anna: Visitor, deployed: Deployed) -> None:
    until(lambda: let_in(anna, deployed), 10)
    killed = deployed.kill("proxy")
    until(lambda: not let_in(anna, deployed), 5)
    until(lambda: let_in(anna, deployed), 30)
    assert time.monotonic() - killed < 5
    # The page connects again by itself.
    expect(anna.page.locator("#notice")).to_be_hidden(timeout=15_000)
    answers_the_mouse(anna)


def test_stop_ends_the_pod_and_keeps_the_home(anna: Visitor, deployed: Deployed) -> None:
    anna.page.goto(f"{deployed.url}/hub/home")
    anna.page.on("dialog", lambda dialog: dialog.accept())
    anna.page.get_by_role("button", name="Stop").click()
    expect(anna.page.locator("#profile-deeplabcut").get_by_role("button", name="Start")).to_be_visible(timeout=60_000)
    until(lambda: not deployed.pods(person="anna"), 30)
    facts = deployed.facts("anna")
    assert [fact["kind"] for fact in facts[-2:]] == ["session.started", "session.stopped"]
    assert facts[-2]["session"] == facts[-1]["session"]
    assert facts[-2]["detail"]["hardware"] == "small"
    assert facts[-1]["detail"]["reason"] == "stopped"
    anna.start("notebook")
    assert deployed.read("anna", "truth.pickle")
    assert "snout" in deployed.inside("anna", "sh", "-c", f"head -3 ~/{PROJECT}/labeled-data/*/CollectedData_*.csv")


def let_in(person: Visitor, deployed: Deployed) -> bool:
    """Whether a person's request reaches their session."""
    address = f"{deployed.url}/user/{person.name}/deeplabcut/somahub/api/status"
    try:
        return person.page.request.get(address, timeout=1000, max_redirects=0).ok
    except Error:
        return False


def answers_the_mouse(person: Visitor) -> None:
    """A terminal opens at a click, and goes at a word."""
    before = person.settled(1)
    person.page.mouse.click(*TERMINAL)
    opened = person.changes(before)
    person.type("exit\n")
    person.changes(opened)


def table(deployed: Deployed, file: str) -> Any:
    """A file of labels, as the app wrote it."""
    script = f"import pandas; pandas.read_hdf('/home/user/{file}').to_csv('/dev/stdout')"
    text = deployed.inside("anna", APP, "-c", script)
    return pd.read_csv(io.StringIO(text), header=[0, 1, 2], index_col=[0, 1, 2])


def labelled(deployed: Deployed, file: str) -> set[str]:
    """The body parts that the third frame has labels of."""
    try:
        row = table(deployed, file).iloc[2].dropna()
    except (AssertionError, ValueError):
        return set()  # the app is writing it
    return set(row.index.get_level_values("bodyparts"))
