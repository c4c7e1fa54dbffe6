"""The same plan that is a sandbox on one machine is a pod on Kubernetes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from somahub.model import App, Folder, Hardware, Person, SessionPlan, Toleration
from somahub.spawners.pods import began, overrides
from somahub.spawners.sandbox.argv import HostPaths, argv

PLAN = SessionPlan(
    session="ada-dlc-20250101t090000000",
    person=Person("ada", "ada"),
    server="second",
    profile="dlc@0123456789ab",
    app=App("dlc", "0123456789ab"),
    hardware=Hardware("large", "Large", 2.5, 8 << 30),
    opens="desktop",
    folders=(Folder("own-ada", "mine", "write"),),
    environment=(("SOMAHUB_APP", "dlc"), ("SOMAHUB_SESSION", "ada-dlc-20250101t090000000")),
    command=("/opt/somahub/session/bin/somahub-session",),
)
GPU_PLAN = replace(PLAN, hardware=Hardware("gpu", "GPU", 8, 32 << 30, gpus=2))
IMAGE = "registry.example/lab/somahub-dlc@sha256:" + "0123456789ab" * 5 + "0123"
POD = overrides(PLAN, IMAGE)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("image", IMAGE),
        ("cmd", ["/opt/somahub/session/bin/somahub-session"]),
        ("working_dir", "/home/user"),
        ("cpu_guarantee", 2.5),
        ("cpu_limit", 2.5),
        ("mem_guarantee", 8 << 30),
        ("mem_limit", 8 << 30),
        ("extra_resource_guarantees", {}),
        ("extra_resource_limits", {}),
        ("uid", 1000),
        ("gid", 1000),
        ("fs_gid", 1000),
        ("privileged", False),
        ("allow_privilege_escalation", False),
        ("automount_service_account_token", False),
        ("container_security_context", {"capabilities": {"drop": ["ALL"]}}),
        ("node_selector", {}),
        ("tolerations", []),
    ],
)
def test_a_plan_is_a_pod(trait: str, value: Any) -> None:
    """Image, resources, user and rights follow from the plan alone."""
    assert POD[trait] == value


def test_a_pod_keeps_to_the_restricted_standard() -> None:
    """No root, no capability, the runtime's filter of kernel calls."""
    assert POD["pod_security_context"]["runAsNonRoot"] is True
    assert POD["pod_security_context"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_gpus_are_asked_for_by_number() -> None:
    """A session's GPUs are the device plugin's to give, and one without any is told so."""
    pod = overrides(GPU_PLAN, "r")
    assert pod["extra_resource_limits"] == pod["extra_resource_guarantees"] == {"nvidia.com/gpu": "2"}
    assert "CUDA_VISIBLE_DEVICES" not in pod["environment"]
    assert POD["environment"]["CUDA_VISIBLE_DEVICES"] == ""


def test_hardware_says_where_its_pods_run() -> None:
    """A class's nodes and the taints that it may run beside are the pod's."""
    taint = Toleration("nvidia.com/gpu", "Exists", None, "NoSchedule")
    pod = overrides(
        replace(PLAN, hardware=replace(PLAN.hardware, node_selector=(("pool", "a"),), tolerations=(taint,))), "r"
    )
    assert pod["node_selector"] == {"pool": "a"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_memory_folders_have_a_size() -> None:
    """What lies in memory counts as the session's, and shared memory is no more than half of it."""
    mounts = {mount["mountPath"]: name for name, mount in POD["volume_mounts"].items()}
    shm = POD["volumes"][mounts["/dev/shm"]]["emptyDir"]  # noqa: S108 - the pod's own
    assert shm == {"medium": "Memory", "sizeLimit": str(4 << 30)}
    assert "/run/user/1000" in mounts


def test_what_stands_in_braces_is_left_alone() -> None:
    """KubeSpawner fills in what stands in braces; a title of the catalogue that has some comes out as written."""
    title = "Cells {in vivo}"
    pod = overrides(replace(PLAN, environment=(("SOMAHUB_PROFILE_TITLE", title),)), "r")
    assert pod["environment"]["SOMAHUB_PROFILE_TITLE"].format() == title


def test_a_pod_is_read_as_the_session_that_it_is() -> None:
    """The ledger's fact of a start follows from the pod alone, from the moment when its node was found."""
    pod = {"metadata": {"annotations": {k: v.format() for k, v in POD["extra_annotations"].items()}}, "status": {}}
    assert began(pod) is None
    pod["status"] = {
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2025-01-01T09:00:02Z"}]
    }
    fact = began(pod)
    assert fact is not None
    assert (fact.at, fact.kind, fact.session) == (
        datetime(2025, 1, 1, 9, 0, 2, tzinfo=UTC),
        "session.started",
        PLAN.session,
    )
    assert fact.person == "ada"
    assert dict(fact.detail) == {
        "server": "second",
        "profile": "dlc@0123456789ab",
        "app": "dlc-0123456789ab",
        "hardware": "large",
        "gpus": "",
    }
    assert began({"metadata": {}, "status": pod["status"]}) is None


def test_labels_are_labels() -> None:
    """Each label's value is one that Kubernetes takes."""
    for value in POD["extra_labels"].values():
        assert len(value) <= 63
        assert value.replace("-", "").isalnum()


def test_a_session_looks_the_same_on_both_tiers() -> None:
    """Command and environment are those of a sandbox; what a tier adds is of the GPU alone."""
    host = HostPaths("/h", "/f", "/e", "/s", "/a", 1, ())
    sandbox = argv(PLAN, host)
    assert POD["environment"] == dict(sandbox.environment)
    assert tuple(POD["cmd"]) == sandbox.command[-len(POD["cmd"]) :]


def test_a_pod_is_plain_data() -> None:
    """All of it can be written as JSON, so that a hub's configuration can hold it."""
    assert json.loads(json.dumps(POD)) == POD
