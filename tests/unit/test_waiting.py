"""Whoever waits for a pod is told what for, in words, and at once when it is in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.model import Hardware
from somahub.spawners.waiting import Asked, Impossible, Waiting, ended, look, over, refusal

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IMAGE = "registry.example/somahub-dlc@sha256:00"
ASKED = Asked("DeepLabCut", IMAGE, Hardware("gpu", "GPU", 4, 16 << 30, gpus=1), "ben holds 1 GPU since 08:02 UTC")


def stamp(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def pod(node: str = "", state: Any = None, **status: Any) -> dict[str, Any]:
    container = [{"name": "notebook", "state": {}, **state}] if state else []
    return {
        "metadata": {"creationTimestamp": stamp(0)},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": "Pending", **({"containerStatuses": container} if container else {}), **status},
    }


def event(reason: str, message: str = "", at: float = 0) -> dict[str, Any]:
    return {"reason": reason, "message": message, "firstTimestamp": stamp(at), "lastTimestamp": stamp(at)}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


FULL = (
    "0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available."
)
TAINT = (
    "0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: batch}, "
    "1 node(s) didn't match Pod's node affinity/selector."
)
UNBOUND = 'running PreBind plugin "VolumeBinding": binding volumes: pod has unbound immediate PersistentVolumeClaims'


@pytest.mark.parametrize(
    ("seen", "events", "autoscaling", "after", "words"),
    [
        (None, [], False, 0, "Asking the cluster for a session"),
        (pod(), [], False, 1, "Looking for a node with room"),
        (pod(), [event("FailedScheduling", FULL)], False, 1, "Looking for a node with room"),
        (
            pod(),
            [event("FailedScheduling", FULL)],
            True,
            100,
            "No node has room for GPU (4 CPUs, 16 GiB, 1 GPU); waiting for one to be added",
        ),
        (
            pod(),
            [event("FailedScheduling", FULL), event("TriggeredScaleUp", "pod triggered scale-up: [{ng 0->1}]")],
            True,
            100,
            "No node had room, so the cluster adds one; that takes some minutes",
        ),
        (pod(), [event("FailedScheduling", UNBOUND)], False, 60, "Waiting for the volume of your home"),
        (
            pod(),
            [event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 in backoff after failed scale-up")],
            True,
            60,
            "No node has room for GPU (4 CPUs, 16 GiB, 1 GPU); waiting for one to be added",
        ),
        (pod("n1"), [event("Scheduled")], False, 1, "A node is found; bringing your home there"),
        (pod("n1", waits("ContainerCreating")), [], False, 1, "A node is found; bringing your home there"),
        (
            pod("n1", waits("ContainerCreating")),
            [event("FailedMount", "no such device")],
            False,
            9,
            "Your home's volume is not there yet; the cluster keeps trying",
        ),
        (
            pod("n1", waits("ContainerCreating")),
            [event("Scheduled"), event("Pulling", at=2)],
            False,
            4,
            "Fetching DeepLabCut to a node that lacks it",
        ),
        (
            pod("n1", waits("ContainerCreating")),
            [event("Scheduled"), event("Pulling", at=2)],
            False,
            40,
            "Fetching DeepLabCut to a node that lacks it, 35 s so far",
        ),
        (
            pod("n1", waits("ContainerCreating")),
            [event("Pulling"), event("Pulled", at=50)],
            False,
            51,
            "DeepLabCut is on the node; starting it",
        ),
        (
            pod("n1", waits("ErrImagePull", "i/o timeout")),
            [event("Failed", "Failed to pull image: dial tcp: i/o timeout", at=5)],
            False,
            20,
            "The registry did not answer for DeepLabCut; asking again",
        ),
        (pod("n1", {"state": {"running": {}}}), [], False, 3, "Started; opening the session"),
    ],
)
def test_who_waits_is_told_what_for(
    seen: dict[str, Any] | None, events: list[dict[str, Any]], autoscaling: bool, after: float, words: str
) -> None:
    """Each stage of a start has its words."""
    now = BEGAN + timedelta(seconds=after)
    told = look(seen, events, ASKED, autoscaling=autoscaling, now=now)
    assert isinstance(told, Waiting)
    assert told.words == words


@pytest.mark.parametrize(
    ("seen", "events", "autoscaling", "line"),
    [
        (
            pod(),
            [event("FailedScheduling", FULL)],
            False,
            "No node has room for GPU (4 CPUs, 16 GiB, 1 GPU): 1 node has too few free CPUs; 2 nodes have no free GPU; "
            "ben holds 1 GPU since 08:02 UTC",
        ),
        (
            pod(),
            [event("FailedScheduling", TAINT)],
            False,
            "No node has room for GPU (4 CPUs, 16 GiB, 1 GPU): 1 node is not of the kind asked for; "
            "1 node is kept for others; ben holds 1 GPU since 08:02 UTC",
        ),
        (
            pod(),
            [event("FailedScheduling", UNBOUND)],
            True,
            'The volume of your home was not made: running PreBind plugin "VolumeBinding": binding volumes: '
            "pod has unbound immediate PersistentVolumeClaims",
        ),
        (
            pod(),
            [event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached")],
            True,
            "No node has room for GPU (4 CPUs, 16 GiB, 1 GPU), and none can be added: "
            "pod didn't trigger scale-up: 1 max node group size reached",
        ),
        (
            pod("n1", waits("ErrImagePull")),
            [event("Failed", 'Failed to pull image "x": rpc error: code = NotFound desc = not found')],
            False,
            f"The image of DeepLabCut, {IMAGE}, is not in its registry, or this cluster may not fetch it",
        ),
        (
            pod("n1", waits("InvalidImageName")),
            [],
            False,
            f"The image of DeepLabCut, {IMAGE}, is not in its registry, or this cluster may not fetch it",
        ),
        (
            pod("n1", waits("ImagePullBackOff")),
            [event("Failed", "Failed to pull image: i/o timeout", at=0)],
            False,
            f"The image of DeepLabCut, {IMAGE}, could not be fetched: Failed to pull image: i/o timeout",
        ),
        (
            pod("n1", waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
            [],
            False,
            "DeepLabCut did not start: container has runAsNonRoot and image will run as root",
        ),
        (
            pod(
                "n1",
                {**waits("CrashLoopBackOff"), "restartCount": 1, "lastState": {"terminated": {"exitCode": 3}}},
            ),
            [],
            False,
            "DeepLabCut did not start: its program ended with status 3",
        ),
        (
            pod("n1", phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
            [],
            False,
            "The cluster ended the session as it started: Evicted: The node was low on resource: memory.",
        ),
    ],
)
def test_what_is_in_vain_ends_at_once_and_says_why(
    seen: dict[str, Any], events: list[dict[str, Any]], autoscaling: bool, line: str
) -> None:
    """One line that says what is wrong, and one that says what to do."""
    told = look(seen, events, ASKED, autoscaling=autoscaling, now=BEGAN + timedelta(seconds=200))
    assert isinstance(told, Impossible)
    assert told.why == line
    assert told.mend
    assert "\n" not in told.why


@pytest.mark.parametrize(
    ("status", "message", "line"),
    [
        (
            403,
            'pods "jupyter-ada" is forbidden: exceeded quota: lab, requested: cpu=4, used: cpu=2, limited: cpu=4',
            "The lab's quota on this cluster is used up: "
            "exceeded quota: lab, requested: cpu=4, used: cpu=2, limited: cpu=4",
        ),
        (
            403,
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes',
            'The cluster\'s rules refuse this session: PodSecurity "restricted:latest": hostPath volumes',
        ),
        (422, "Invalid value:\n 9", "The cluster refused this session: Invalid value: 9"),
    ],
)
def test_a_pod_that_the_cluster_does_not_take_says_why(status: int, message: str, line: str) -> None:
    """Its API's answer, as one line."""
    told = refusal(status, message)
    assert told.why == line
    assert told.mend


@pytest.mark.parametrize(
    ("seen", "why", "at"),
    [
        (None, "its pod is gone", None),
        (
            pod("n1", {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": stamp(5)}}}),
            "it used more memory than its hardware has",
            BEGAN + timedelta(seconds=5),
        ),
        (
            pod("n1", {"state": {"terminated": {"exitCode": 1, "finishedAt": stamp(6)}}}),
            "its program ended with status 1",
            BEGAN + timedelta(seconds=6),
        ),
        (
            pod("n1", phase="Failed", reason="Evicted", message="low on memory"),
            "Evicted: low on memory",
            None,
        ),
    ],
)
def test_an_end_has_its_reason(seen: dict[str, Any] | None, why: str, at: datetime | None) -> None:
    """What ended a session, and when, as far as its pod tells."""
    assert ended(seen) == (why, at)
    assert seen is None or over(seen)


def test_a_pod_that_runs_is_not_over() -> None:
    """Neither before nor while its program runs."""
    assert not over(pod())
    assert not over(pod("n1", {"state": {"running": {}}}, phase="Running"))


reasons = st.sampled_from(
    ["Scheduled", "Pulling", "Pulled", "Failed", "BackOff", "FailedScheduling", "FailedMount", "Odd"]
)


@given(
    st.lists(st.builds(event, reasons, st.text(max_size=80), st.floats(0, 1e4)), max_size=6),
    st.sampled_from([pod(), pod("n"), pod("n", waits("ContainerCreating")), pod("n", waits("ErrImagePull")), None]),
    st.booleans(),
    st.floats(-10, 1e5),
)
def test_whatever_a_cluster_says_there_are_words(
    events: list[dict[str, Any]], seen: dict[str, Any] | None, autoscaling: bool, after: float
) -> None:
    """Never nothing, never more than one line, and the bar stays between its ends."""
    told = look(seen, events, ASKED, autoscaling=autoscaling, now=BEGAN + timedelta(seconds=after))
    if isinstance(told, Waiting):
        assert 0 <= told.progress < 96
        assert told.words
    else:
        assert told.why
        assert told.mend
