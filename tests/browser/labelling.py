"""Labelling frames in DeepLabCut's window, as a person does it with a mouse."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image

from tests.browser.visitor import BAR, Visitor, share, until

DEEPLABCUT = (25, 35, 45)  # the ground of its windows
TERMINAL = (176, 877)
ADD_POINTS = (187, 90 + BAR)  # napari's tool, in a maximised window
LABEL = "python /opt/somahub/apps/dlc/share/somahub/label_frames.py ~/buckets/mine/{project}; exit\n"


def label(person: Visitor, truth: pd.DataFrame, project: str) -> None:
    """Open the project for labelling, and add snout and left ear of the third frame."""
    before = person.settled()
    person.page.mouse.click(*TERMINAL)
    before = person.changes(before)
    person.type(LABEL.format(project=project))
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


def alike(one: Image.Image, other: Image.Image) -> float:
    """The part of the pixels, 0 to 1, that two pictures have in common."""
    a, b = np.asarray(one).astype(int), np.asarray(other).astype(int)
    return float((np.abs(a - b).max(axis=2) <= 8).mean()) if a.shape == b.shape else 0.0
