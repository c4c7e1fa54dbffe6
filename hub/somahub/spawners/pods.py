"""Render a session plan as what KubeSpawner is told of a pod, and read a pod as the session that it is. Pure.

The home is not here: the chart's values say what volume it is. Nor are the plan's folders: the one that there is, a
person's own bucket, is a folder of their home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from somahub.model import HOME, Fact, SessionPlan
from somahub.spawners.inside import GID, RUNTIME, UID, environment

_MIB: Final = 1 << 20
SESSION: Final = "somahub/session"
LABEL: Final = "app.kubernetes.io/part-of=somahub,component=singleuser-server"


def overrides(plan: SessionPlan, image: str) -> dict[str, Any]:
    """The traits of KubeSpawner that make ``plan`` a pod of ``image``.

    The pod keeps to the Pod Security standard *restricted*: an ordinary user, no capability, no way to more.
    """
    hardware = plan.hardware
    gpus = {"nvidia.com/gpu": str(hardware.gpus)} if hardware.gpus else {}
    return {
        "image": image,
        "cmd": list(plan.command),
        "environment": _plain({**environment(plan), **({} if gpus else {"CUDA_VISIBLE_DEVICES": ""})}),
        "working_dir": HOME,
        "cpu_guarantee": hardware.cpus,
        "cpu_limit": hardware.cpus,
        # Bytes of memory are not to be had twice: what a session may take is kept for it.
        "mem_guarantee": hardware.memory,
        "mem_limit": hardware.memory,
        "extra_resource_guarantees": gpus,
        "extra_resource_limits": gpus,
        "node_selector": dict(hardware.node_selector),
        "tolerations": [
            {name: value for name, value in asdict(toleration).items() if value is not None}
            for toleration in hardware.tolerations
        ],
        **_restricted(),
        **_memory_folders(plan),
        "extra_labels": {
            "app.kubernetes.io/part-of": "somahub",
            "somahub/person": plan.person.slug,
            "somahub/app": plan.app.name,
            "somahub/hardware": hardware.name,
        },
        # These may hold an @, or be longer than a label.
        "extra_annotations": _plain(
            {
                SESSION: plan.session,
                "somahub/person": plan.person.name,
                "somahub/server": plan.server,
                "somahub/profile": plan.profile,
                "somahub/app": f"{plan.app.name}-{plan.app.digest}",
                "somahub/hardware": hardware.name,
            }
        ),
    }


def began(pod: Mapping[str, Any]) -> Fact | None:
    """The fact that a pod's session holds its hardware, from when a node was found for it; None before that."""
    said = pod["metadata"].get("annotations", {})
    conditions = pod.get("status", {}).get("conditions") or []
    found = [c["lastTransitionTime"] for c in conditions if c["type"] == "PodScheduled" and c["status"] == "True"]
    if SESSION not in said or not found:
        return None
    detail = {name: said[f"somahub/{name}"] for name in ("server", "profile", "app", "hardware")}
    at = datetime.fromisoformat(found[0])
    return Fact(at, "session.started", said[SESSION], said["somahub/person"], (*detail.items(), ("gpus", "")))


def _restricted() -> dict[str, Any]:
    """Pod Security *restricted*."""
    return {
        "uid": UID,
        "gid": GID,
        "fs_gid": GID,
        "privileged": False,
        "allow_privilege_escalation": False,
        "automount_service_account_token": False,
        "container_security_context": {"capabilities": {"drop": ["ALL"]}},
        "pod_security_context": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            "fsGroupChangePolicy": "OnRootMismatch",
        },
    }


def _memory_folders(plan: SessionPlan) -> dict[str, dict[str, Any]]:
    """Folders in memory with a size, which count as the session's own memory; by name, as KubeSpawner merges them."""
    folders = {
        "shared-memory": ("/dev/shm", plan.hardware.memory // 2),  # noqa: S108 - the pod's own
        "runtime": (RUNTIME, 64 * _MIB),
    }
    return {
        "volumes": {
            name: {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}
            for name, (_, size) in folders.items()
        },
        "volume_mounts": {name: {"name": name, "mountPath": path} for name, (path, _) in folders.items()},
    }


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    """Values that KubeSpawner, which fills in what stands in braces, leaves as they are."""
    return {name: value.replace("{", "{{").replace("}", "}}") for name, value in values.items()}
