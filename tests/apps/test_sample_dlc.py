"""The sample project in the real DeepLabCut and napari-deeplabcut of the dlc app."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from somahub.sample import Sample, make

_DEEPLABCUT = """
import json, sys
from pathlib import Path
import deeplabcut, pandas
from deeplabcut.utils import auxiliaryfunctions
config = sys.argv[1]
read = auxiliaryfunctions.read_config(config)
labels = Path(config).parent / "labeled-data/openfield/CollectedData_somahub.h5"
shipped = pandas.read_hdf(labels)
deeplabcut.convertcsv2h5(config, userfeedback=False)
pandas.testing.assert_frame_equal(shipped, pandas.read_hdf(labels))
deeplabcut.check_labels(config, visualizeindividuals=False)
deeplabcut.create_training_dataset(config, num_shuffles=1)
print(json.dumps({"project_path": str(read["project_path"]), "bodyparts": list(read["bodyparts"])}))
"""

_NAPARI = """
import json, sys
import numpy
from napari_deeplabcut._reader import get_folder_parser
layers = get_folder_parser(sys.argv[1])(sys.argv[1])
images, points = ([layer for layer in layers if layer[2] == kind] for kind in ("image", "points"))
print(json.dumps({"images": list(images[0][0].shape), "points": numpy.asarray(points[0][0]).tolist(),
                  "paths": [str(path) for path in images[0][1]["metadata"]["paths"]]}))
"""


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A sample of its own, told where it really lies."""
    return make(tmp_path, project_path=tmp_path / "sample-openfield")


def test_deeplabcut_reads_labels_and_prepares_a_training(
    sample: Sample, app_environment: Callable[[str], Path], tmp_path: Path
) -> None:
    """DeepLabCut takes the configuration as it is, finds .csv and .h5 equal, and makes a training data set of them."""
    before = sample.config.read_bytes()
    said = _run(app_environment("dlc"), _DEEPLABCUT, sample.config, tmp_path)
    assert said == {
        "project_path": str(sample.project),
        "bodyparts": ["snout", "leftear", "rightear", "tailbase"],
    }
    assert sample.config.read_bytes() == before
    drawn = sample.project / "labeled-data" / "openfield_labeled"
    assert len(list(drawn.glob("*.png"))) == len(sample.labelled)
    data = sample.project / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_openfieldJan1"
    assert (data / "CollectedData_somahub.h5").is_file()
    assert (data / "openfield_somahub95shuffle1.mat").is_file()


def test_napari_opens_the_frames_with_their_points(
    sample: Sample, app_environment: Callable[[str], Path], tmp_path: Path
) -> None:
    """The folder opens as 20 frames, with four points (y, x) on each of the first twelve, in place."""
    folder = sample.project / "labeled-data" / "openfield"
    said = _run(app_environment("dlc"), _NAPARI, folder, tmp_path)
    assert said["images"][:3] == [20, 480, 640]
    names = [Path(path).name for path in said["paths"]]
    assert names == [f"img{number:03d}.png" for number in (*sample.labelled, *sample.unlabelled)]
    truth = [line.split(",") for line in sample.truth.read_text().splitlines()[1:]]
    expected = [
        [index, float(truth[number][column + 1]), float(truth[number][column])]
        for index, number in enumerate(sample.labelled)
        for column in (2, 4, 6, 8)
    ]
    assert said["points"] == expected


def _run(environment: Path, code: str, argument: Path, home: Path) -> Any:
    """What ``code`` prints as its last line, as JSON, run by the app's own Python without a screen."""
    ran = subprocess.run(
        [environment / "bin" / "python", "-c", code, argument],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])
