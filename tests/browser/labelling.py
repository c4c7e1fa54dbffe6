"""Labelling frames in DeepLabCut's window, as a person does it with a mouse."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image

from tests.browser.visitor import BAR, Visitor, share, until

DEEPLABCUT = (25, 35, 45)  # the ground of its windows
TERMINAL = (176, 877)
LOW = 300  # px: higher than anything in an empty canvas
ADD_POINTS = (187, 90 + BAR)  # napari's tool, in a maximised window
LABEL = "python /opt/somahub/apps/dlc/share/somahub/label_frames.py ~/buckets/mine/{project}; exit\n"


def label(person: Visitor, truth: pd.DataFrame, project: str) -> None:
    """Open the project for labelling, and add snout and left ear of the third frame."""
    before = person.settled()
    person.page.mouse.click(*TERMINAL)
    before = person.changes(before)
    person.type(LABEL.format(project=project))
    until(lambda: share(person.picture(), DEEPLABCUT) < 0.2, 90)
    until(lambda: len(rows(person.picture())) > LOW, 120)
    left, top, scale = frame(person.settled(3))
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
    found, bright = rows(shown), np.asarray(shown).max(axis=2)
    black = np.flatnonzero(bright[found[0] - 10] <= 2)
    scale = len(found) / 480
    return (black[0] + black[-1] + 1) / 2 - 320 * scale, found[0], scale


def rows(shown: Image.Image) -> np.ndarray:
    """The lines of the picture that a frame takes up in the middle of napari's canvas."""
    bright, middle = np.asarray(shown).max(axis=2), shown.width // 2
    lit = np.flatnonzero(bright[:, middle - 100 : middle + 100].mean(axis=1) > 12)
    return max(np.split(lit, np.flatnonzero(np.diff(lit) > 1) + 1), key=len)
