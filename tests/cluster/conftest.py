"""A cluster for all tests: the one that KUBECONFIG names, else the lab's own, taken down at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import release
from tests.cluster.deployed import Deployed
from tests.cluster.lab import Cluster, Lab, fake_nodes, life, places
from tests.cluster.release import Chart


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster. With KUBECONFIG nothing is built or started, and images come from where its nodes pull them."""
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Cluster(Path(given))
        return
    place = places.from_environment()
    # Built in one go where a test will ask for it: what kwok shares with Kubernetes is compiled once.
    kwok = any("play_nodes" in getattr(item, "fixturenames", ()) for item in request.session.items)
    there = life.running(place)
    yield life.up(place, kwok=kwok)
    if not there:
        life.down(place)


@pytest.fixture(scope="session")
def own_lab(lab: Cluster) -> Lab:
    """The lab, for what only it can do."""
    assert isinstance(lab, Lab), "these tests are of the lab itself: unset KUBECONFIG"
    return lab


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    """The chart, on the real charts where SOMAHUB_CHARTS names their archives, else on a plain hub and proxy."""
    return release.chart(tmp_path_factory.mktemp("chart"))


@pytest.fixture(scope="session")
def images(lab: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Values for helm with the images of this checkout, which the nodes have, or can pull."""
    file = tmp_path_factory.mktemp("images") / "images.yaml"
    release.provide(lab, file)
    return file


@pytest.fixture(scope="session")
def deployed(lab: Cluster, chart: Chart, images: Path) -> Iterator[Deployed]:
    """somahub on the cluster; taken away at the end, with all that it keeps."""
    yield release.install(lab, chart, images)
    release.remove(lab)


@pytest.fixture
def real_chart(chart: Chart) -> Chart:
    """The chart on the real charts; a test that is of them says by name that it needs their archives."""
    if not chart.real:
        pytest.skip(f"needs {' and '.join(release.ARCHIVES)} in the folder SOMAHUB_CHARTS: docs/kubernetes.md")
    return chart


@pytest.fixture
def play_nodes(own_lab: Lab) -> Iterator[Callable[[int, int], list[str]]]:
    """Adds nodes that are only played: so many, with so many GPUs each."""

    def add(count: int, gpus: int) -> list[str]:
        return fake_nodes.add(own_lab, count, gpus)

    yield add
    fake_nodes.remove(own_lab)
