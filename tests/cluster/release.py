"""The chart, installed on the lab's cluster as an operator does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from somahub.images.values import values as text
from tests.cluster import images
from tests.cluster.deployed import Deployed
from tests.cluster.lab import Cluster, Lab

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


def provide(cluster: Cluster, values: Path) -> None:
    """Build the images of this checkout, give them to the cluster, and write helm's values for them.

    A cluster of one's own pulls them from SOMAHUB_REGISTRY; the lab's node is given them.
    """
    if not isinstance(cluster, Lab):
        registry = os.environ.get("SOMAHUB_REGISTRY")
        assert registry, "KUBECONFIG names a cluster; SOMAHUB_REGISTRY must name a registry that its nodes pull from"
        words = ["build", "--source", str(ROOT), "--registry", registry, "--values", str(values)]
        subprocess.run([sys.executable, "-m", "somahub.images", *words], check=True)
        return
    built = images.build("hub", "service", "dlc", "napari", "notebook")
    values.write_text(text({name: cluster.load(local)[0] for name, local in built.items()}))
    cluster.load(images.stand_in("proxy"))


def install(cluster: Cluster, chart: Chart, values: Path, *more: str) -> Deployed:
    """Install, or upgrade, and wait until all of it is ready; ``values`` is what `make images` wrote for helm."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    words = ["upgrade", "--install", "somahub", str(chart.folder), "-n", NAMESPACE, "--wait", "--timeout", "5m"]
    cluster.helm(*words, "-f", str(values), "-f", str(ROOT / "tests/cluster/values.yaml"), *more)
    return Deployed(cluster, NAMESPACE, f"http://{cluster.node_ip}:{PORT}")


def remove(cluster: Cluster) -> None:
    """Take everything of the release away, accounts and homes too."""
    cluster.helm("uninstall", "somahub", "-n", NAMESPACE, "--wait")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
