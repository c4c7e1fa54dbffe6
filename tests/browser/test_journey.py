"""The story, in a browser: log in, choose DeepLabCut, label real frames, come back to the same window, stop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect

from somahub.ledger import Ledger
from tests.browser.visitor import BAR, Visitor, share, until
from tests.somahub_under_test import Somahub

Visit = Callable[..., Visitor]
DEEPLABCUT = (25, 35, 45)  # the ground of its windows
TERMINAL = (176, 877)
ADD_POINTS = (187, 90 + BAR)  # napari's tool, in a maximised window
LABEL = "python /opt/somahub/apps/dlc/share/somahub/label_frames.py ~/buckets/mine/openfield; exit\n"


@pytest.fixture
def openfield(somahub: Somahub, test_data: Path) -> Callable[[str], tuple[Path, pd.DataFrame]]:
    """Puts the real project into a person's bucket, with the labels of one frame taken out."""

    def made(name: str) -> tuple[Path, pd.DataFrame]:
        project = somahub.bucket(name) / "openfield"
        shutil.copytree(test_data / "openfield", project, copy_function=shutil.copyfile)
        for folder in (project, *project.rglob("*/")):
            folder.chmod(0o700)
        file = next(project.glob("labeled-data/*/CollectedData_*.h5"))
        whole = pd.read_hdf(file)
        without = whole.copy()
        without.iloc[2] = np.nan
        without.to_hdf(file, key="df_with_missing")
        return file, whole

    return made


def test_a_scientist_labels_real_frames_in_deeplabcut_and_comes_back_to_the_same_window(
    visit: Visit, somahub: Somahub, openfield: Callable[[str], tuple[Path, pd.DataFrame]]
) -> None:
    anna = visit("anna")
    anna.log_in()
    anna.keep("cards")
    anna.start("deeplabcut")
    anna.see_desktop()
    until(lambda: share(anna.picture(), DEEPLABCUT) > 0.5, 120)
    anna.settled()
    anna.keep("deeplabcut")
    assert (somahub.bucket("anna") / "sample-openfield/config.yaml").is_file()

    file, truth = openfield("anna")
    label(anna, truth)
    anna.keep("labelling")
    anna.page.keyboard.press("Control+s")
    until(lambda: "snout" in labelled(file), 30)
    saved, row = pd.read_hdf(file), truth.index[2]
    for part in ("snout", "leftear"):
        written = saved.loc[tuple(row.split("/")) if isinstance(row, str) else row].xs(part, level="bodyparts")
        wanted = truth.iloc[2].xs(part, level="bodyparts")
        assert np.abs(written.to_numpy() - wanted.to_numpy()).max() < 2.5, part
    others = np.delete(np.arange(len(truth)), 2)
    np.testing.assert_array_equal(saved.to_numpy()[others], truth.to_numpy()[others])

    seen = anna.settled()
    address = anna.page.url
    anna.page.close()
    anna.page = anna.page.context.new_page()
    anna.page.goto(address)
    anna.see_desktop()
    until(lambda: alike(anna.picture(), seen) > 0.99, 20)
    anna.keep("the-same-window")


def label(person: Visitor, truth: pd.DataFrame) -> None:
    """Open the project for labelling, and add snout and left ear of the third frame."""
    before = person.settled()
    person.page.mouse.click(*TERMINAL)
    before = person.changes(before)
    person.type(LABEL)
    until(lambda: share(person.picture(), DEEPLABCUT) < 0.2, 90)
    shown = person.settled(3)
    left, top, scale = frame(shown)
    person.page.mouse.click(*ADD_POINTS)
    for part in ("snout", "leftear"):
        x, y = truth.iloc[2].xs(part, level="bodyparts")
        place = (round(left + x * scale), round(top + BAR + y * scale))
        person.page.mouse.move(*place)
        before = person.settled()
        person.page.mouse.click(*place)
        person.changes(before)


def frame(shown: Image.Image) -> tuple[float, float, float]:
    """Where a frame of 640×480 px lies in napari's black canvas: left, top, and screen pixels a frame's pixel.

    The frame is in the middle, with black above it and below; its sides may be cut off.
    """
    bright = np.asarray(shown).max(axis=2)
    middle = shown.width // 2
    lit = np.flatnonzero(bright[:, middle - 100 : middle + 100].mean(axis=1) > 12)
    runs = np.split(lit, np.flatnonzero(np.diff(lit) > 1) + 1)
    rows = max(runs, key=len)
    black = np.flatnonzero(bright[rows[0] - 10] <= 2)
    scale = len(rows) / 480
    return (black[0] + black[-1] + 1) / 2 - 320 * scale, rows[0], scale


def labelled(file: Path) -> set[str]:
    """The body parts that the third frame has labels of."""
    try:
        row = pd.read_hdf(file).iloc[2].dropna()
    except (OSError, ValueError, KeyError):
        return set()  # the app is writing it
    return set(row.index.get_level_values("bodyparts"))


def alike(one: Image.Image, other: Image.Image) -> float:
    """The part of the pixels, 0 to 1, that two pictures have in common."""
    a, b = np.asarray(one).astype(int), np.asarray(other).astype(int)
    return float((np.abs(a - b).max(axis=2) <= 8).mean()) if a.shape == b.shape else 0.0


def test_after_stop_the_app_is_offered_again_its_cost_is_known_and_the_bucket_is_as_it_was(
    visit: Visit, somahub: Somahub
) -> None:
    ben = visit("ben")
    ben.log_in()
    ben.start("napari")
    ben.see_desktop()
    (somahub.bucket("ben") / "notes.txt").write_text("kept")
    ben.page.goto(somahub.url)
    expect(ben.page.locator(".running .cost")).to_contain_text("$")
    ben.keep("running")
    ben.page.on("dialog", lambda dialog: dialog.accept())
    ben.page.get_by_role("button", name="Stop").click()
    expect(ben.page.locator("#profile-napari").get_by_role("button", name="Start")).to_be_visible(timeout=30_000)
    assert (somahub.bucket("ben") / "notes.txt").read_text() == "kept"
    facts = [fact for fact in Ledger(f"sqlite:///{somahub.data}/somahub.sqlite").facts() if fact.person == "ben"]
    assert [fact.kind for fact in facts] == ["session.started", "session.stopped"]
    assert dict(facts[0].detail)["hardware"] == "small"
    assert facts[1].at > facts[0].at
