"""The sample data: a plausible mouse, drawn where the truth says, written as the tools read it."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML

from somahub.errors import SomahubError
from somahub.sample import LABELLED, PICKED, Sample, make, pick, scene, video
from somahub.sample.trajectory import BODYPARTS, EAR_ASIDE, FLOOR, FPS, FRAMES, HEIGHT, SPINE_LINK, WIDTH, Walk, walk

SEEDS = st.integers(min_value=0, max_value=2**32)
LEFT, TOP, RIGHT, BOTTOM = FLOOR


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """One sample for all tests that only read it, in a folder with an odd name."""
    return make(tmp_path_factory.mktemp("a folder: with 'odd' words"))


@pytest.fixture(scope="module")
def walked() -> Walk:
    """The walk of the default seed."""
    return walk(7)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_every_keypoint_is_on_the_floor_in_every_frame(seed: int) -> None:
    """Nothing is ever hidden behind a wall or out of the picture, whatever the seed."""
    points = walk(seed).keypoints
    assert points.shape == (FRAMES, len(BODYPARTS), 2)
    assert (points >= np.array([LEFT, TOP]) + 4).all()
    assert (points <= np.array([RIGHT, BOTTOM]) - 4).all()


@given(SEEDS)
@example(23194)  # its first draw ends in a corner
@settings(max_examples=40, deadline=None)
def test_the_mouse_moves_as_a_mouse_can(seed: int) -> None:
    """No keypoint jumps, the animal never stands for longer than three seconds, and it sees some of the arena."""
    walked = walk(seed)
    steps = np.linalg.norm(np.diff(walked.keypoints, axis=0), axis=2)  # px a frame
    assert steps.max() < 16
    moving = np.linalg.norm(np.diff(walked.spine[:, 0], axis=0), axis=1) > 0.7
    rests = np.diff(np.flatnonzero(np.concatenate([[True], moving, [True]])))
    assert rests.max() < 3 * FPS
    assert np.ptp(walked.keypoints[:, 0], axis=0).min() > 80


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_mouse_keeps_its_shape(seed: int) -> None:
    """The left ear is on the animal's left, the ears stay apart, and the back neither stretches nor shrinks."""
    walked = walk(seed)
    snout, left, right, _ = walked.keypoints.transpose(1, 0, 2)
    ahead, across = snout - (left + right) / 2, left - right
    assert (ahead[:, 0] * across[:, 1] - ahead[:, 1] * across[:, 0] < 0).all()  # y points down
    assert np.allclose(np.linalg.norm(across, axis=1), 2 * EAR_ASIDE, atol=0.002)
    assert np.linalg.norm(np.diff(walked.spine, axis=1), axis=2) == pytest.approx(SPINE_LINK, rel=0.25)


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    """The same seed gives the same truth, frames, choice and video, bit for bit; another seed others."""
    one, same, other = walk(1, 20), walk(1, 20), walk(2, 20)
    assert np.array_equal(one.keypoints, same.keypoints)
    assert not np.array_equal(one.keypoints, other.keypoints)
    assert pick(1, FRAMES) == pick(1, FRAMES) != pick(2, FRAMES)
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        with video.Writer(tmp_path / name / "video.mp4") as film:
            for frame in scene.frames(walk(seed, 20), seed):
                film.add(frame)
    first, again, another = (Path(tmp_path, name, "video.mp4").read_bytes() for name in ("one", "same", "other"))
    assert first == again != another


@pytest.mark.parametrize("frame", range(0, FRAMES, 60))
def test_each_ear_is_darkest_where_the_truth_says(walked: Walk, frame: int) -> None:
    """The dark middle of each drawn ear is centred on its keypoint, to a sixth of a pixel."""
    picture = scene.draw(np.full((HEIGHT, WIDTH), 220, np.float32), walked, frame)
    for part in ("leftear", "rightear"):
        x, y = walked.keypoints[frame, BODYPARTS.index(part)]
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        inner = np.hypot(columns - x, rows - y) < 4
        weight = np.where(inner, scene.EAR - picture, 0)
        centre = (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()
        assert centre == pytest.approx((x, y), abs=1 / 6)


@pytest.mark.parametrize("frame", range(0, FRAMES, 60))
def test_the_animal_begins_at_the_snout(walked: Walk, frame: int) -> None:
    """Half of a pixel's light is taken at the snout itself, and all of it 3 px further back."""
    black, white = (scene.draw(np.full((HEIGHT, WIDTH), grey, np.float32), walked, frame) for grey in (0, 255))
    seen = (white - black) / 255  # 0 where the animal hides the floor
    snout, heading = walked.keypoints[frame, 0], walked.heading[frame]
    ahead = np.array([np.cos(heading), np.sin(heading)])
    assert _at(seen, snout + 2.5 * ahead) > 0.6  # only its shadow
    assert _at(seen, snout) == pytest.approx(0.5, abs=0.25)
    assert _at(seen, snout - 3 * ahead) < 0.05


@pytest.mark.parametrize("frame", range(0, FRAMES, 60))
def test_fur_ends_and_tail_begins_at_the_tail_base(walked: Walk, frame: int) -> None:
    """The tail base is dark fur; a tail's width behind it the lighter tail begins."""
    picture = scene.draw(np.full((HEIGHT, WIDTH), 220, np.float32), walked, frame)
    base, tail = walked.keypoints[frame, 3], walked.tail[frame]
    back = (tail[1] - tail[0]) / np.hypot(*(tail[1] - tail[0]))
    assert _at(picture, base - 2 * back) < 55
    assert 75 < _at(picture, base + 8 * back) < 115


def test_the_camera_adds_its_noise_and_nothing_else(walked: Walk) -> None:
    """A frame is the drawn picture with noise of the stated spread; the empty arena is left as it was."""
    frame = next(scene.frames(walked, 7))
    empty = scene.arena(np.random.default_rng([7, 2]))
    before = empty.copy()
    noise = frame.astype(float) - scene.draw(empty, walked, 0)
    assert np.array_equal(empty, before)
    assert noise.std() == pytest.approx(scene.NOISE, rel=0.05)
    assert abs(noise.mean()) < 0.1
    assert frame.shape == (HEIGHT, WIDTH)
    assert frame.dtype == np.uint8


def test_the_labels_are_the_truth(sample: Sample) -> None:
    """.h5, .csv and .slp hold the truth of the labelled frames to the last digit, and of no other frame."""
    folder = sample.project / "labeled-data" / "openfield"
    truth = _truth(sample)
    table = pd.read_hdf(folder / "CollectedData_somahub.h5")
    assert list(table.index) == [("labeled-data", "openfield", f"img{n:03d}.png") for n in sample.labelled]
    assert list(table.columns) == [("somahub", part, axis) for part in BODYPARTS for axis in "xy"]
    assert table.columns.names == ["scorer", "bodyparts", "coords"]
    assert np.array_equal(table.to_numpy().reshape(-1, 4, 2), truth[list(sample.labelled)])
    text = pd.read_csv(folder / "CollectedData_somahub.csv", header=[0, 1, 2], index_col=[0, 1, 2])
    assert np.array_equal(text.to_numpy(), table.to_numpy())
    labels = sio.load_slp(str(sample.slp))
    assert [frame.frame_idx for frame in labels] == list(sample.labelled)
    assert [suggestion.frame_idx for suggestion in labels.suggestions] == list(sample.unlabelled)
    assert labels.skeleton.node_names == list(BODYPARTS)
    assert labels.skeleton.symmetry_names == [("leftear", "rightear")]
    for frame in labels:
        assert np.array_equal(frame.instances[0].numpy(), truth[frame.frame_idx])


def test_the_frames_to_label_are_those_of_the_video(sample: Sample) -> None:
    """Each picture is the video's frame of its number; some are labelled and the rest are left to the person."""
    pictures = sorted((sample.project / "labeled-data" / "openfield").glob("*.png"))
    numbers = [int(path.stem.removeprefix("img")) for path in pictures]
    assert numbers == sorted([*sample.labelled, *sample.unlabelled])
    assert (len(sample.labelled), len(numbers)) == (LABELLED, PICKED)
    reader = imageio_ffmpeg.read_frames(str(sample.video), pix_fmt="gray", bits_per_pixel=8)
    about = next(reader)
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p")
    assert (about["size"], about["fps"]) == ((WIDTH, HEIGHT), FPS)
    filmed = [np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH).astype(float) for data in reader]
    assert len(filmed) == FRAMES
    for path, number in zip(pictures, numbers, strict=True):
        assert Image.open(path).size == (WIDTH, HEIGHT)
        error = np.asarray(Image.open(path).convert("L")) - filmed[number]
        assert 10 * np.log10(255**2 / (error**2).mean()) > 38  # dB


def test_the_configuration_says_where_a_session_shows_the_project(sample: Sample) -> None:
    """config.yaml is YAML whose paths are those of the person's own bucket; README.md says what to do."""
    config = YAML(typ="safe").load(sample.config)
    assert config["project_path"] == "/home/user/buckets/mine/sample-openfield"
    assert config["video_sets"] == {f"{config['project_path']}/videos/openfield.mp4": {"crop": "0, 640, 0, 480"}}
    assert config["bodyparts"] == list(BODYPARTS)
    assert config["scorer"] == "somahub"
    assert "the last 8 are yours" in (sample.project / "README.md").read_text()


def test_the_sample_is_small(sample: Sample) -> None:
    """A new account's bucket is not filled by it: under 6 MB in all."""
    assert sum(path.stat().st_size for path in sample.project.rglob("*") if path.is_file()) < 6e6


def test_labels_are_never_overwritten(tmp_path: Path) -> None:
    """A project, or anything else of its name, is refused in one line and left as it is."""
    taken = tmp_path / "sample-openfield"
    taken.mkdir()
    (taken / "CollectedData_somahub.csv").write_text("a morning's work")
    with pytest.raises(SomahubError, match="is there already; nothing was written") as refused:
        make(tmp_path)
    assert "\n" not in str(refused.value)
    assert refused.value.mend
    assert (taken / "CollectedData_somahub.csv").read_text() == "a morning's work"
    assert list(tmp_path.iterdir()) == [taken]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    """Where a file is in the way of the folder, the person reads which and why."""
    (tmp_path / "file").touch()
    with pytest.raises(SomahubError, match="file/inside: the sample could not be written: Not a directory"):
        make(tmp_path / "file" / "inside")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """When writing fails half way, the folder is as it was and the line says why."""
    code = (
        "import resource, signal, sys, pathlib, somahub.errors, somahub.sample\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n    somahub.sample.make(pathlib.Path(sys.argv[1]))\n"
        "except somahub.errors.SomahubError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "openfield.mp4 could not be encoded" in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def _at(picture: scene.Picture, point: np.ndarray) -> float:
    """The value of ``picture`` at ``point`` (x, y) px, between pixel centres."""
    x, y = point
    left, top = int(x), int(y)
    patch = picture[top : top + 2, left : left + 2]
    return float(np.array([1 - (y - top), y - top]) @ patch @ np.array([1 - (x - left), x - left]))


def _truth(sample: Sample) -> np.ndarray:
    """truth.csv as (frames, 4, 2) px."""
    with sample.truth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(FRAMES))
    return np.array([[[float(row[f"{part}_{axis}_px"]) for axis in "xy"] for part in BODYPARTS] for row in rows])
