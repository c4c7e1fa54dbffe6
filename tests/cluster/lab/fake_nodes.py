"""Nodes that only say that they run pods, played by kwok: for scale, and for GPUs that are not there."""

from __future__ import annotations

from typing import Any

from somahub.errors import SetupError
from somahub.local.processes import wait_until
from tests.cluster.lab import build
from tests.cluster.lab.lab import Lab

LABEL = {"type": "kwok"}
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}


def add(lab: Lab, count: int, gpus: int, labels: dict[str, str] | None = None) -> list[str]:
    """Have ``count`` nodes with ``gpus`` GPUs each; returns their names once they are ready.

    A pod runs there when it asks for ``nodeSelector: {type: kwok}`` (or ``labels``) and tolerates :data:`TAINT`.
    """
    build.ensure(lab.places, kwok=True)
    (lab.places.run / "gates/kwok").touch()
    names = [f"fake-{number:03}" for number in range(count)]
    lab.apply(*(_node(name, gpus, {**LABEL, **(labels or {})}) for name in names))
    if not wait_until(lambda: set(names) <= _ready(lab), 60, 0.2):
        raise SetupError(f"kwok's nodes did not come: {(lab.places.log / 'kwok.log').read_text()[-300:]}")
    return names


def remove(lab: Lab) -> None:
    """Remove all of them, and what ran there."""
    lab.kubectl("delete", "nodes", "-l", "type=kwok", "--wait=false")


def _ready(lab: Lab) -> set[str]:
    nodes = lab.get("nodes", "-l", "type=kwok")["items"]
    return {each["metadata"]["name"] for each in nodes if ("Ready", "True") in _conditions(each)}


def _conditions(node: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["type"], each["status"]) for each in node["status"].get("conditions", [])]


def _node(name: str, gpus: int, labels: dict[str, str]) -> dict[str, Any]:
    room = {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, **labels},
        },
        "spec": {"taints": [TAINT]},
        "status": {"capacity": room, "allocatable": room},
    }
