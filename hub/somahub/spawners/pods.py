"""Render a session plan as what KubeSpawner is told of a pod. Pure.

Buckets are not here: on Kubernetes they are mounted for a running pod from outside it, not by its specification.
"""

from __future__ import annotations

from typing import Any

from somahub.model import HOME, SessionPlan
from somahub.spawners.inside import GID, RUNTIME, UID, environment

_MIB = 1 << 20


def overrides(plan: SessionPlan, registry: str) -> dict[str, Any]:
    """The traits of KubeSpawner that make ``plan`` a pod, with images from ``registry``.

    The pod keeps to the Pod Security standard *restricted*: an ordinary user, no capability, no way to more. A person
    has one home, whatever servers they run.
    """
    hardware = plan.hardware
    gpus = {"nvidia.com/gpu": str(hardware.gpus)} if hardware.gpus else {}
    return {
        "image": f"{registry}/somahub-{plan.app.name}:{plan.app.digest}",
        "cmd": list(plan.command),
        "environment": {**environment(plan), **({} if gpus else {"CUDA_VISIBLE_DEVICES": ""})},
        "working_dir": HOME,
        "cpu_guarantee": hardware.cpus,
        "cpu_limit": hardware.cpus,
        # Bytes of memory are not to be had twice: what a session may take is kept for it.
        "mem_guarantee": hardware.memory,
        "mem_limit": hardware.memory,
        "extra_resource_guarantees": gpus,
        "extra_resource_limits": gpus,
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
        "storage_pvc_ensure": True,
        "pvc_name_template": _home(plan),
        **_volumes(plan),
        "extra_labels": {
            "app.kubernetes.io/part-of": "somahub",
            "somahub/person": plan.person.slug,
            "somahub/app": plan.app.name,
            "somahub/hardware": hardware.name,
        },
        # These may hold an @, or be longer than a label.
        "extra_annotations": {"somahub/session": plan.session, "somahub/profile": plan.profile},
    }


def _home(plan: SessionPlan) -> str:
    return f"claim-{plan.person.slug}"


def _volumes(plan: SessionPlan) -> dict[str, list[dict[str, Any]]]:
    """The home, which stays, and folders in memory with a size, which count as the session's own memory."""
    memory = {
        "shared-memory": ("/dev/shm", plan.hardware.memory // 2),  # noqa: S108 - the pod's own
        "runtime": (RUNTIME, 64 * _MIB),
    }
    return {
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": _home(plan)}},
            *(
                {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}
                for name, (_, size) in memory.items()
            ),
        ],
        "volume_mounts": [
            {"name": "home", "mountPath": HOME},
            *({"name": name, "mountPath": path} for name, (path, _) in memory.items()),
        ],
    }
