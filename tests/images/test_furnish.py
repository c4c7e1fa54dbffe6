"""A new home's bucket: a copy of the sample project, whole or not at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FURNISH = ROOT / "extensions/session/share/somahub/furnish"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Files as a sample has them."""
    folder = tmp_path / "sample/sample-openfield/labeled-data"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"img {number}.png").write_bytes(bytes([number]) * 50_000)
    return tmp_path / "sample"


def furnish(sample: Path, bucket: Path, before: str = "") -> subprocess.Popen[bytes]:
    command = ["sh", "-c", f'{before} exec sh "$0" "$@"', FURNISH, sample, bucket]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_new_bucket_is_the_sample_and_its_owners_alone(sample: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "home/buckets/mine"
    assert furnish(sample, bucket).wait() == 0
    assert files(bucket) == files(sample)
    assert bucket.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in bucket.parent.iterdir()] == ["mine"]


def test_of_sessions_that_begin_at_once_one_makes_it_and_nothing_else_is_left(sample: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "home/buckets/mine"
    begun = [furnish(sample, bucket) for _ in range(6)]
    assert [one.wait() for one in begun] == [0] * 6
    assert files(bucket) == files(sample)
    assert [entry.name for entry in bucket.parent.iterdir()] == ["mine"]


def test_what_somebody_has_in_it_is_never_touched(sample: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "home/buckets/mine"
    bucket.mkdir(parents=True)
    (bucket / "labels.csv").write_text("x,y\n")
    assert furnish(sample, bucket).wait() == 0
    assert files(bucket) == {"labels.csv": b"x,y\n"}


def test_a_disk_without_room_leaves_no_half_bucket(sample: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "home/buckets/mine"
    assert furnish(sample, bucket, before="ulimit -f 8; trap '' XFSZ;").wait() != 0
    assert list(bucket.parent.iterdir()) == []


def test_one_that_is_killed_leaves_no_half_bucket_and_the_next_makes_it(sample: Path, tmp_path: Path) -> None:
    bucket = tmp_path / "home/buckets/mine"
    killed = furnish(sample, bucket)
    killed.kill()
    killed.wait()
    assert not bucket.exists() or files(bucket) == files(sample)
    assert furnish(sample, bucket).wait() == 0
    assert files(bucket) == files(sample)
