"""Rounds through the cluster: which pods are nobody's, and when other documents are taken up."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from somahub.spawners.rounds import strays

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROFILES = Path(__file__).parents[2] / "spawner_profiles"
APPS = "apps: {dlc: {image: a}, napari: {image: b}, notebook: {image: c}}\n"


def pod(server: str, minutes: float) -> SimpleNamespace:
    annotations = {"somahub/person": "anna", "somahub/server": server}
    return SimpleNamespace(
        name=f"pod-{server}", creation_timestamp=NOW - timedelta(minutes=minutes), annotations=annotations
    )


def test_a_pod_that_no_server_stands_for_is_a_stray_once_it_is_old_enough() -> None:
    running = {"a": pod("known", 60), "b": pod("lost", 60), "c": pod("just-made", 1)}
    assert strays(running, lambda person, server: (person, server) == ("anna", "known"), NOW) == ["pod-lost"]


# A hub that does nothing else; it says when it has looked for the first time.
HUB = """
import asyncio, sys
from pathlib import Path
from somahub.settings import Settings
from somahub.spawners import rounds
rounds._LOOK = 0.05
async def main(folder):
    settings = Settings(data=folder, cluster=folder / "cluster.yaml", profiles=folder / "profiles")
    watching = asyncio.create_task(rounds.end_when_changed(settings))
    await asyncio.sleep(0)
    print("looks", flush=True)
    await watching
asyncio.run(main(Path(sys.argv[1])))
"""


def test_the_hub_ends_for_sound_documents_and_stays_for_those_with_a_fault(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(APPS)
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for file in PROFILES.glob("*.yaml"):
        (profiles / file.name).write_text(file.read_text())
    with subprocess.Popen([sys.executable, "-c", HUB, str(tmp_path)], stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout
        try:
            assert hub.stdout.readline() == "looks\n"
            (profiles / "napari.yaml").write_text("name: [")
            with pytest.raises(subprocess.TimeoutExpired):
                hub.wait(1)
            (profiles / "napari.yaml").unlink()
            assert hub.wait(30) == -signal.SIGTERM
        finally:
            hub.kill()
