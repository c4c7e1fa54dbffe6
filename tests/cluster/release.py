"""The chart, installed on the lab's cluster as an operator does it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from tests.cluster.deployed import Deployed
from tests.cluster.lab import Cluster

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm/somahub"
ARCHIVES = ("jupyterhub-4.4.0.tgz", "dask-gateway-2026.3.0.tgz")
NAMESPACE = "somahub-test"
PORT = 30080


@dataclass(frozen=True)
class Chart:
    """The chart as it is installed; ``real`` says that the charts that it stands on are the real ones."""

    folder: Path
    real: bool


def chart(folder: Path) -> Chart:
    """A copy of the chart, with the archives in SOMAHUB_CHARTS, or else with a plain hub and proxy in their place."""
    copy = folder / "somahub"
    # Followed, not kept: the chart's profiles are a link to the folder that one machine reads.
    shutil.copytree(CHART, copy, symlinks=False)
    given = os.environ.get("SOMAHUB_CHARTS")
    if given:
        lacking = [name for name in ARCHIVES if not Path(given, name).is_file()]
        assert not lacking, (
            f"SOMAHUB_CHARTS, {given}, lacks {', '.join(lacking)}: docs/kubernetes.md says how to get them"
        )
        (copy / "charts").mkdir(exist_ok=True)
        for name in ARCHIVES:
            shutil.copyfile(Path(given, name), copy / "charts" / name)
        return Chart(copy, real=True)
    document = YAML().load(copy / "Chart.yaml")
    del document["dependencies"]
    YAML().dump(document, copy / "Chart.yaml")
    shutil.copytree(ROOT / "tests/cluster/plain", copy / "templates/plain")
    return Chart(copy, real=False)


def install(cluster: Cluster, chart: Chart, images: Path, *more: str) -> Deployed:
    """Install, or upgrade, and wait until all of it is ready; ``images`` is what `make images` wrote for helm."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    words = [
        "upgrade",
        "--install",
        "somahub",
        str(chart.folder),
        "--namespace",
        NAMESPACE,
        "--wait",
        "--timeout",
        "5m",
    ]
    cluster.helm(*words, "-f", str(images), "-f", str(ROOT / "tests/cluster/values.yaml"), *more)
    return Deployed(cluster, NAMESPACE, f"http://{cluster.node_ip}:{PORT}")
