"""Rounds through the cluster: which pods are nobody's, and when other documents are taken up."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from somahub.settings import Settings
from somahub.spawners.rounds import end_when_changed, strays

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


async def test_the_hub_ends_for_sound_documents_and_stays_for_those_with_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("somahub.spawners.rounds._LOOK", 0.01)
    cluster, profiles = tmp_path / "cluster.yaml", tmp_path / "profiles"
    cluster.write_text(APPS)
    profiles.mkdir()
    for file in PROFILES.glob("*.yaml"):
        (profiles / file.name).write_text(file.read_text())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    watching = asyncio.create_task(end_when_changed(Settings(data=tmp_path, cluster=cluster, profiles=profiles)))
    try:
        await asyncio.sleep(0)
        (profiles / "napari.yaml").write_text("name: [")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ended.wait(), 0.5)
        (profiles / "napari.yaml").unlink()
        await asyncio.wait_for(ended.wait(), 10)
        await watching
    finally:
        watching.cancel()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
