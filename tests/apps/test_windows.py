"""The apps' own windows on a real X server, in a sandbox without any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageGrab

ADD_POINTS = (187, 90)  # the tool in napari's layer controls, in a maximised window


@dataclass(frozen=True)
class Desk:
    """A screen of 1440×900 px with a window manager, and a home; programs run in it without network."""

    display: str
    home: Path

    def start(self, app: str, environment: Path, *command: str) -> subprocess.Popen[bytes]:
        inside = f"/opt/somahub/apps/{app}"
        words = "bwrap --unshare-user --unshare-pid --unshare-net --uid 1000 --gid 1000 --die-with-parent"
        words += " --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin"
        words += " --symlink usr/lib /lib --symlink usr/lib64 /lib64"
        words += " --ro-bind /etc /etc --proc /proc --dev /dev --tmpfs /tmp --ro-bind /tmp/.X11-unix /tmp/.X11-unix"
        words += f" --dir /run/user/1000 --bind {self.home} /home/user --ro-bind {environment} {inside}"
        words += f" --clearenv --setenv HOME /home/user --setenv PATH {inside}/bin:/usr/bin:/bin"
        words += f" --setenv DISPLAY {self.display} --setenv LANG C.UTF-8 --setenv XDG_RUNTIME_DIR /run/user/1000"
        return subprocess.Popen([*words.split(), "--chdir", "/home/user", *command])

    def titles(self) -> set[str]:
        """The titles of the windows that a person sees."""
        search = ["xdotool", "search", "--onlyvisible", "--name", "."]
        seen = subprocess.run(search, env=self.environment, capture_output=True, text=True).stdout.split()
        names = (["xdotool", "getwindowname", window] for window in seen)
        return {subprocess.run(n, env=self.environment, capture_output=True, text=True).stdout.strip() for n in names}

    def do(self, *words: str) -> None:
        """One movement of mouse or keyboard, by xdotool."""
        subprocess.run(["xdotool", *words], env=self.environment, check=True)

    def click(self, x: int, y: int) -> None:
        self.do("mousemove", str(x), str(y), "sleep", "0.2", "click", "1")

    def screen(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.display)

    def settled(self) -> Image.Image:
        """The screen, once it has not changed for two seconds."""
        last, since = self.screen(), time.monotonic()
        deadline = since + 60
        while time.monotonic() < since + 2:
            assert time.monotonic() < deadline, "the screen does not come to rest"
            time.sleep(0.2)
            now = self.screen()
            if now.tobytes() != last.tobytes():
                last, since = now, time.monotonic()
        return last

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display}


def until(what: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until ``what`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def differs(desk: Desk, place: tuple[int, int], colour: object) -> bool:
    """Whether the screen has another colour at a place by now."""
    return desk.screen().getpixel(place) != colour


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    Path("/tmp/.X11-unix").mkdir(mode=0o1777, exist_ok=True)  # noqa: S108  where every X server has its socket
    reader, writer = os.pipe()
    screen = ["Xvnc", "-displayfd", str(writer), "-geometry", "1440x900", "-depth", "24", "-rfbport", "-1"]
    server = subprocess.Popen([*screen, "-SecurityTypes", "None", "-nolisten", "tcp"], pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as said:
        display = f":{said.readline().strip()}"
    (tmp_path / "home").mkdir()
    made = Desk(display, tmp_path / "home")
    windows = subprocess.Popen(["openbox"], env=made.environment)
    yield made
    for process in (windows, server):
        process.terminate()
        process.wait()


@pytest.fixture
def dlc(app_environment: Callable[[str], Path]) -> Path:
    return app_environment("dlc")


def entry(environment: Path, program: str) -> list[str]:
    """The command of a program, as its desktop entry has it."""
    lines = (environment / f"share/applications/somahub-{program}.desktop").read_text().splitlines()
    return next(line for line in lines if line.startswith("Exec=")).removeprefix("Exec=").split()


def test_deeplabcut_opens_its_window_and_asks_nothing(desk: Desk, dlc: Path) -> None:
    app = desk.start("dlc", dlc, *entry(dlc, "deeplabcut"))
    until(lambda: any(title.startswith("DeepLabCut") for title in desk.titles()))
    desk.settled()  # longer than DeepLabCut waits before it looks for updates
    assert {title for title in desk.titles() if title != "Openbox"} >= {"DeepLabCut"}
    assert not {title for title in desk.titles() if "pdate" in title}
    assert app.poll() is None
    app.kill()
    app.wait()


def test_napari_opens_its_window(desk: Desk, app_environment: Callable[[str], Path]) -> None:
    environment = app_environment("napari")
    app = desk.start("napari", environment, *entry(environment, "napari"))
    until(lambda: "napari" in desk.titles())
    desk.settled()
    assert app.poll() is None
    app.kill()
    app.wait()


def test_a_label_on_a_real_frame_is_saved_and_no_other_label_changes(desk: Desk, dlc: Path, test_data: Path) -> None:
    project = desk.home / "buckets/mine/openfield"
    project.parent.mkdir(parents=True)
    shutil.copytree(test_data / "openfield", project, copy_function=shutil.copyfile)
    for folder in (project, *project.rglob("*/")):
        folder.chmod(0o755)
    file = next(project.glob("labeled-data/*/CollectedData_*.h5"))
    before = pd.read_hdf(file)
    before.iloc[2] = np.nan
    before.to_hdf(file, key="df_with_missing")
    stamp = file.stat().st_mtime_ns

    program = [*entry(dlc, "label-frames"), "/home/user/buckets/mine/openfield"]
    app = desk.start("dlc", dlc, *program)
    until(lambda: "Label frames" in desk.titles())
    until(lambda: np.asarray(desk.screen())[300:600, 500:1000].mean() > 60)  # the frame is drawn
    desk.settled()
    desk.click(*ADD_POINTS)
    places = [(700, 460), (800, 560)]
    for place in places:
        drawn = desk.settled().getpixel(place)
        desk.click(*place)
        until(partial(differs, desk, place, drawn))
    desk.do("key", "ctrl+s")
    until(lambda: file.stat().st_mtime_ns != stamp)
    desk.settled()
    app.kill()
    app.wait()

    after = pd.read_hdf(file)
    # Older projects have their frames' paths as text; the plugin writes them as DeepLabCut 3 does, in parts.
    paths = [row if isinstance(row, str) else "/".join(row) for row in before.index]
    known = ["/".join(parts) in paths for parts in after.index]
    assert after[np.logical_not(known)].isna().all(axis=None), "frames that nobody labelled stay without labels"
    after = after[known]
    assert ["/".join(parts) for parts in after.index] == paths
    others = [row for row in range(len(before)) if row != 2]
    np.testing.assert_allclose(after.to_numpy()[others], before.to_numpy()[others])
    label = after.iloc[2].droplevel("scorer")
    assert label.drop(["snout", "leftear"], level="bodyparts").isna().all()
    moved = label["leftear"] - label["snout"]
    assert moved["x"] == pytest.approx(moved["y"], rel=0.02), "100 px of the screen either way"
    assert 30 < moved["x"] < 200
    csv = pd.read_csv(file.with_suffix(".csv"), header=[0, 1, 2], index_col=[0, 1, 2])
    np.testing.assert_allclose(csv[known].iloc[2].dropna(), label.dropna())
