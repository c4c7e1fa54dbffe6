"""Environments built for real: uv, the package registry, processes that are killed, a full disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from somahub.environments import Environment, Progress, Recipe, ensure, follow, halt, leftovers, load, progress, remove
from somahub.environments.places import is_locked
from somahub.errors import BuildError

# What is built here is taken from images/notebook's lock: packages that are tiny and bring a script
# (jupyter), and packages that take long enough to be killed meanwhile.
TINY = ("six", "jupyter-core", "platformdirs", "traitlets")
LONG = ("numpy", "scipy", "networkx")
IMAGES = Path(__file__).parents[2] / "images"


def locked(*packages: str) -> str:
    """The lines of the notebook's lock for some packages, hashes and all."""
    requirements = (IMAGES / "notebook/requirements.txt").read_text().replace("\\\n", " ").splitlines()
    return "\n".join(line for line in requirements if line.split("==")[0] in packages) + "\n"


def make_recipe(folder: Path, lock: str) -> Recipe:
    app = folder / "scope"
    app.mkdir(parents=True)
    (app / "requirements.txt").write_text(lock)
    (app / "scope.svg").write_text("<svg/>")
    (app / "recipe.yaml").write_text(
        "name: scope\ntitle: Scope\nsummary: Looks at things.\nsize_gib: 0.01\n"
        "programs: [{name: scope, title: Scope, exec: jupyter, icon: scope.svg, comment: Look}]\n"
    )
    (app / "share").mkdir()
    (app / "share/open.py").write_text("print('opened')\n")
    return load(app)


@pytest.fixture
def tiny(tmp_path: Path) -> Recipe:
    return make_recipe(tmp_path / "images", locked(*TINY))


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until ``what`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def left_in(cache: Path) -> set[str]:
    """What lies in the folder of environments, but for locks, logs and the last status."""
    return {p.name for p in (cache / "environments").iterdir() if p.suffix not in (".lock", ".log", ".json")}


def built(recipe: Recipe, cache: Path, wheel: Path | None = None) -> Path:
    return asyncio.run(ensure(recipe, cache, wheel))


async def moments(recipe: Recipe, cache: Path) -> list[Progress]:
    return [moment async for moment in follow(recipe, cache)]


async def test_two_who_ask_at_once_get_one_build_and_both_see_it_progress(tiny: Recipe, tmp_path: Path) -> None:
    first, second = await asyncio.gather(moments(tiny, tmp_path / "cache"), moments(tiny, tmp_path / "cache"))
    environment = Environment.of(tiny, tmp_path / "cache")
    assert environment.log.read_text().count("Creating virtual environment") == 1
    for seen in (first, second):
        assert seen[0].stage == "starting"
        assert seen[-1] == Progress("ready", 1.0, "Scope is ready")
        fractions = [moment.fraction for moment in seen]
        assert fractions == sorted(fractions)
    assert left_in(tmp_path / "cache") == {environment.folder.name}


async def test_an_environment_holds_packages_kernel_desktop_entry_files_and_manifest(
    tiny: Recipe, tmp_path: Path
) -> None:
    folder = await ensure(tiny, tmp_path / "cache")
    manifest = json.loads((folder / "somahub.json").read_text())
    assert manifest["packages"].keys() == set(TINY)
    assert manifest["bytes"] > 100_000
    kernel = json.loads((folder / "share/jupyter/kernels/python3/kernel.json").read_text())
    assert kernel["argv"][0] == "/opt/somahub/apps/scope/bin/python"
    assert "Exec=jupyter" in (folder / "share/applications/somahub-scope.desktop").read_text()
    assert (folder / "share/icons/scope.svg").read_text() == "<svg/>"
    assert (folder / "share/somahub/open.py").is_file()
    assert list(folder.rglob("six.*.pyc")), "its Python files are compiled"
    # Nobody else builds it, and asking again is answered at once.
    assert await moments(tiny, tmp_path / "cache") == [Progress("ready", 1.0, "Scope is ready")]


def test_an_environment_runs_wherever_it_is_mounted(tiny: Recipe, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere/scope"
    shutil.copytree(built(tiny, tmp_path / "cache"), moved, symlinks=True)
    shutil.rmtree(tmp_path / "cache")
    said = subprocess.run([moved / "bin/jupyter", "--paths"], capture_output=True, text=True, check=True).stdout
    assert str(moved) in said


def test_a_wheel_is_installed_on_top_and_changes_the_digest(tiny: Recipe, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "onthetop"\nversion = "1.0"\ndependencies = ["no-such-package-anywhere"]\n'
    )
    (source / "onthetop.py").write_text("")
    hatch = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(hatch, cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("onthetop-1.0-*.whl")
    folder = built(tiny, tmp_path / "cache", wheel)
    assert json.loads((folder / "somahub.json").read_text())["packages"]["onthetop"] == "1.0"
    assert folder != Environment.of(tiny, tmp_path / "cache").folder


def start_builder(recipe: Recipe, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "somahub.environments.build", str(recipe.folder), str(cache)]
    return subprocess.Popen(command, start_new_session=True)


def caught_at(stage: str, recipe: Recipe, folder: Path) -> tuple[Path, subprocess.Popen[bytes]]:
    """A builder in the middle of a stage, and its cache; one that was too quick to be caught is followed by another."""
    for number in range(8):
        cache = folder / f"cache-{number}"
        cache.mkdir()
        builder, status = start_builder(recipe, cache), Environment.of(recipe, cache).status
        while builder.poll() is None:
            said = progress.read(status)
            if said is not None and said[0].stage == stage:
                return cache, builder
    raise AssertionError(f"no builder was ever seen {stage}")


@pytest.mark.parametrize("stage", ["downloading", "compiling"])
async def test_a_builder_killed_leaves_nothing_that_counts_and_the_next_try_succeeds(
    stage: str, tmp_path: Path
) -> None:
    recipe = make_recipe(tmp_path / "images", locked(*LONG))
    cache, builder = caught_at(stage, recipe, tmp_path)
    environment = Environment.of(recipe, cache)
    waiter = asyncio.create_task(ensure(recipe, cache))
    await asyncio.sleep(0)
    os.kill(builder.pid, signal.SIGKILL)
    builder.wait()
    with pytest.raises(BuildError, match="it was killed") as caught:
        await waiter
    assert "what was downloaded is kept" in caught.value.mend
    assert not environment.ready
    assert not is_locked(environment), "the installer died with its builder"
    assert await ensure(recipe, cache) == environment.folder
    assert left_in(cache) == {environment.folder.name}


def test_a_builder_outlives_the_hub_that_asked_for_it(tiny: Recipe, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ask = (
        "import asyncio, sys; from pathlib import Path; from somahub.environments import ensure, load;"
        "asyncio.run(ensure(load(Path(sys.argv[1])), Path(sys.argv[2])))"
    )
    hub = subprocess.Popen([sys.executable, "-c", ask, str(tiny.folder), str(cache)])
    environment = Environment.of(tiny, cache)
    until(lambda: environment.status.exists() and is_locked(environment))
    hub.kill()
    hub.wait()
    until(lambda: environment.ready)
    assert environment.log.read_text().count("Creating virtual environment") == 1


async def test_builds_are_ended_on_request_and_say_so(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path / "images", locked(*LONG))
    cache = tmp_path / "cache"
    cache.mkdir()
    environment = Environment.of(recipe, cache)
    builder = start_builder(recipe, cache)
    until(lambda: (environment.partial / "bin/python").exists())
    assert halt(cache) == ["scope"]
    assert builder.wait(timeout=20) == 1
    assert left_in(cache) == set()
    said = progress.read(environment.status)
    assert said is not None
    assert "it was stopped" in said[0].words
    assert halt(cache) == []


async def test_a_registry_that_is_not_reachable_is_one_line(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(BuildError) as caught:
        await ensure(tiny, tmp_path / "cache")
    assert str(caught.value) == (
        "Scope's environment could not be built: "
        "the package registry at 127.0.0.1:9 could not be reached (connection refused)."
    )
    assert caught.value.mend.startswith("Check this machine's network")
    assert left_in(tmp_path / "cache") == set()
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    assert (await ensure(tiny, tmp_path / "cache")).is_dir()


async def test_a_package_that_is_not_what_the_lock_promises_is_one_line(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path / "images", f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildError) as caught:
        await ensure(recipe, tmp_path / "cache")
    assert str(caught.value) == (
        "Scope's environment could not be built: what was downloaded as six==1.17.0 "
        "is not what the lock promises (its SHA-256 differs)."
    )
    assert left_in(tmp_path / "cache") == set()


def test_a_full_disk_is_one_line_and_leaves_room_for_the_ledger(tiny: Recipe, tmp_path: Path) -> None:
    """A disk of 64 MiB, mounted in a namespace of our own."""
    small = tmp_path / "small"
    small.mkdir()
    mount = 'mount -t tmpfs -o size=64m none "$1" && exec "$2" -m somahub.environments.build "$3" "$1"'
    words = ["unshare", "-rm", "sh", "-c", mount, "sh", str(small), sys.executable, str(tiny.folder)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Scope's environment could not be built: the disk that holds {small} is full." in done.stderr
    assert "Free some space there" in done.stderr


def test_an_environment_in_use_is_not_removed_and_one_that_is_not_goes(tiny: Recipe, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = built(tiny, cache)
    assert leftovers(cache, {folder.name}) == []
    inside = [
        "bwrap",
        "--bind",
        "/",
        "/",
        "--ro-bind",
        str(folder),
        "/mnt",
        "--dev",
        "/dev",
        "--die-with-parent",
        "sleep",
        "60",
    ]
    session = subprocess.Popen(inside)
    try:
        until(lambda: leftovers(cache, set())[0].in_use)
        (left,) = leftovers(cache, set())
        with pytest.raises(BuildError, match="is in use by a running session"):
            remove(left.environment)
    finally:
        session.kill()
        session.wait()
    until(lambda: not leftovers(cache, set())[0].in_use)
    with contextlib.chdir(tmp_path):
        remove(left.environment)
    assert left_in(cache) == set()
    assert leftovers(cache, set()) == []
