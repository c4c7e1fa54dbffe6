"""The story, in a browser: log in, choose DeepLabCut, label real frames, come back to the same window, stop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from somahub.ledger import Ledger
from tests.browser.labelling import DEEPLABCUT, label
from tests.browser.visitor import Visit, share, until
from tests.somahub_under_test import Somahub


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
    label(anna, truth, "openfield")
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

    anna.come_back()
    anna.keep("the-same-window")


def labelled(file: Path) -> set[str]:
    """The body parts that the third frame has labels of."""
    try:
        row = pd.read_hdf(file).iloc[2].dropna()
    except (OSError, ValueError, KeyError):
        return set()  # the app is writing it
    return set(row.index.get_level_values("bodyparts"))


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
