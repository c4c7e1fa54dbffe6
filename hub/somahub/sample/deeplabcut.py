"""A DeepLabCut 3 project, in the layout that DeepLabCut and napari-deeplabcut read and write."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import pandas as pd
from PIL import Image

from somahub.sample.scene import Frame
from somahub.sample.trajectory import BODYPARTS, FPS, HEIGHT, WIDTH, Floats
from somahub.sample.video import PATH as VIDEO

SCORER = "somahub"
TRUTH = "truth.csv"

_CONFIG = """\
# Project definitions (do not edit)
Task: openfield
scorer: {scorer}
date: Jan1
multianimalproject: false
identity: false

# Project path (change when moving around)
project_path: {project}

# Default DeepLabCut engine to use for shuffle creation (either pytorch or tensorflow)
engine: pytorch

# Annotation data set configuration (and individual video cropping parameters)
video_sets:
  ? {video}
  : crop: 0, {width}, 0, {height}
bodyparts: {bodyparts}

# Fraction of video to start/stop when extracting frames for labeling/refinement
start: 0
stop: 1
numframes2pick: 20

# Plotting configuration
skeleton: {skeleton}
skeleton_color: black
pcutoff: 0.6
dotsize: 8
alphavalue: 0.7
colormap: rainbow

# Training, evaluation and analysis configuration
TrainingFraction: [0.95]
iteration: 0
default_net_type: resnet_50
default_augmenter: albumentations
snapshotindex: -1
detector_snapshotindex: -1
batch_size: 8
detector_batch_size: 1

# Cropping parameters (for analysis and outlier frame detection)
cropping: false
x1: 0
x2: {width}
y1: 0
y2: {height}

# Refinement configuration
corner2move2: [50, 50]
move2corner: true

# Conversion tables to fine-tune SuperAnimal weights
SuperAnimalConversionTables:
  superanimal_topviewmouse: {{snout: nose, leftear: left_ear, rightear: right_ear, tailbase: tail_base}}
"""

_README = """\
# Open field: a sample project for DeepLabCut and SLEAP

A drawn mouse in a drawn arena, {seconds} s at {fps} frames a second, {width}×{height} px. `truth.csv` says where each
keypoint ({bodyparts}) truly is in every frame, in pixels to 0.001, with the centre of the
top left pixel at (0, 0). Left and right are the animal's own. Nothing is ever hidden.

{picked} frames lie in `labeled-data/openfield`. The first {labelled} are labelled, exactly; the last {left} are yours.

In DeepLabCut:

1. *Load Project*: `config.yaml` in this folder.
2. *Label frames*: choose `labeled-data/openfield`; go to the frames without points, set the {parts} keypoints in each,
   and save (Ctrl+S).
3. *Create training dataset*, *Train network*, *Evaluate network*.
4. *Analyze videos*: `{video}`; then compare the result with `truth.csv`.

In SLEAP: open `videos/openfield.slp`. It holds the same labels, and the frames left to label as suggestions.
"""


def write(
    project: Path,
    project_path: PurePath,
    keypoints: Floats,
    pictures: Mapping[int, Frame],
    labelled: Sequence[int],
) -> None:
    """Write all of the project but its video into the folder ``project``.

    ``keypoints`` (frames, 4, 2) in px; ``pictures`` are the frames to label, by number; those of
    ``labelled`` get their labels. ``project_path`` is where the project will lie when it is opened.
    """
    folder = project / "labeled-data" / VIDEO.stem
    folder.mkdir(parents=True)
    # DeepLabCut's own name for a frame that it takes out of a video, so it knows which ones it has.
    names = {number: f"img{number:0{math.ceil(math.log10(len(keypoints)))}d}.png" for number in pictures}
    for number, picture in pictures.items():
        Image.fromarray(picture).convert("RGB").save(folder / names[number], compress_level=4)
    labels = _labels(keypoints, {names[number]: number for number in labelled})
    labels.to_csv(folder / f"CollectedData_{SCORER}.csv")
    labels.to_hdf(folder / f"CollectedData_{SCORER}.h5", key="df_with_missing", mode="w")
    _write_truth(project / TRUTH, keypoints)
    (project / "config.yaml").write_text(_config(project_path), encoding="utf-8")
    readme = _README.format(
        seconds=len(keypoints) // FPS, fps=FPS, width=WIDTH, height=HEIGHT, bodyparts=", ".join(BODYPARTS),
        parts=len(BODYPARTS), picked=len(pictures), labelled=len(labelled), left=len(pictures) - len(labelled),
        video=VIDEO.as_posix(),
    )  # fmt: skip
    (project / "README.md").write_text(readme, encoding="utf-8")


def _labels(keypoints: Floats, numbers: Mapping[str, int]) -> pd.DataFrame:
    """The table of labels (frames, 8): rows by ("labeled-data", video, file), columns by (scorer, bodypart, x or y)."""
    rows = pd.MultiIndex.from_tuples([("labeled-data", VIDEO.stem, name) for name in numbers])
    columns = pd.MultiIndex.from_product([[SCORER], BODYPARTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    values = keypoints[list(numbers.values())].reshape(len(numbers), -1)
    return pd.DataFrame(values, index=rows, columns=columns)


def _write_truth(path: Path, keypoints: Floats) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["frame", "time_s", *(f"{part}_{axis}_px" for part in BODYPARTS for axis in "xy")])
        for number, points in enumerate(keypoints):
            rows.writerow([number, f"{number / FPS:.4f}", *(f"{value:.3f}" for value in points.ravel())])


def _config(project_path: PurePath) -> str:
    """config.yaml, with paths and names quoted as JSON, which YAML reads."""
    return _CONFIG.format(
        scorer=SCORER,
        project=json.dumps(str(project_path)),
        video=json.dumps(str(project_path / VIDEO)),
        bodyparts=json.dumps(BODYPARTS),
        skeleton=json.dumps([[BODYPARTS[0], part] for part in BODYPARTS[1:]]),
        width=WIDTH,
        height=HEIGHT,
    )
