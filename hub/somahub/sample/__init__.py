"""Sample data with exact ground truth: a mouse in an open field, as a DeepLabCut project and as .slp.

:func:`make` writes it; :mod:`~somahub.sample.trajectory` and :mod:`~somahub.sample.scene` are the pure
core (where the mouse is, and what the camera sees), the other modules write one format each.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath, PurePosixPath

import numpy as np

from somahub.errors import SomahubError
from somahub.model import BUCKETS
from somahub.sample import deeplabcut, sleap, video
from somahub.sample.scene import Frame, frames
from somahub.sample.trajectory import walk

NAME = "sample-openfield"
PICKED, LABELLED = 20, 12  # frames: taken out of the video, and of those the first ones that come labelled


@dataclass(frozen=True, slots=True)
class Sample:
    """What :func:`make` wrote. ``labelled`` and ``unlabelled`` are numbers of frames in the video, from 0."""

    project: Path
    config: Path
    video: Path
    truth: Path
    slp: Path
    labelled: tuple[int, ...]
    unlabelled: tuple[int, ...]


def make(directory: Path, seed: int = 7, project_path: PurePath | None = None) -> Sample:
    """Write the sample project ``sample-openfield`` into ``directory``: 600 frames of 640×480 px at 30 a second.

    ``seed`` (0 or more) decides everything in it. ``project_path`` is where the project will lie for
    DeepLabCut; by default where a session shows it in the person's own bucket. The project appears
    whole or not at all. Raises :class:`~somahub.errors.SomahubError` when one is there already, so
    that nobody's labels are ever overwritten, and when it cannot be written.
    """
    target = directory / NAME
    if os.path.lexists(target):
        raise _taken(target)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=directory) as staging:
            made = Path(staging, NAME)
            picked = _write(made, seed, project_path or PurePosixPath(BUCKETS, "mine", NAME))
            _put(made, target)
    except OSError as error:
        raise SomahubError(
            f"{directory}: the sample could not be written: {error.strerror or error}.",
            "Choose a folder that you may write to, on a disk with 20 MB to spare.",
        ) from error
    return Sample(
        project=target,
        config=target / "config.yaml",
        video=target / video.PATH,
        truth=target / deeplabcut.TRUTH,
        slp=target / sleap.PATH,
        labelled=picked[:LABELLED],
        unlabelled=picked[LABELLED:],
    )


def pick(seed: int, count: int) -> tuple[int, ...]:
    """:data:`PICKED` frames of ``count``, in order: one at random from each of as many equal stretches."""
    edges = np.linspace(0, count, PICKED + 1).astype(int)
    rng = np.random.default_rng([seed, 3])
    return tuple(int(rng.integers(low, high)) for low, high in pairwise(edges))


def _write(project: Path, seed: int, project_path: PurePath) -> tuple[int, ...]:
    walked = walk(seed)
    picked = pick(seed, len(walked.keypoints))
    pictures: dict[int, Frame] = {}
    with video.Writer(project / video.PATH) as film:
        for number, frame in enumerate(frames(walked, seed)):
            film.add(frame)
            if number in picked:
                pictures[number] = frame
    deeplabcut.write(project, project_path, walked.keypoints, pictures, picked[:LABELLED])
    sleap.write(project, walked.keypoints, picked[:LABELLED], picked[LABELLED:])
    return picked


def _put(made: Path, target: Path) -> None:
    """Rename ``made`` to ``target``: the one step by which the sample comes to be there."""
    try:
        made.rename(target)
    except OSError as error:
        if os.path.lexists(target):
            raise _taken(target) from error
        raise


def _taken(target: Path) -> SomahubError:
    return SomahubError(
        f"{target} is there already; nothing was written, so that no label is lost.",
        "Choose another folder, or move that one away first.",
    )
