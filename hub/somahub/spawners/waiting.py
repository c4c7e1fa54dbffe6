"""What a pod that has not started yet is waiting for, in words; or why it will never start. Pure.

A pod and its events are the documents of Kubernetes' API, as dictionaries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from somahub.model import Hardware

# Seconds for which a full cluster is not taken at its word: somebody's pod may just be on its way out.
_PATIENCE: Final = 3.0
# Seconds for which it is not believed that no node can be added: an autoscaler says so while it cools down, too.
_COOL_DOWN: Final = 90.0
# Seconds that a home's volume may take to be made.
_VOLUME: Final = 180.0
# Seconds for which an image that did not come is asked for again, unless the registry says that it has none.
_RETRIES: Final = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step on the way. ``progress`` in per cent."""

    progress: int
    words: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The pod will not start: one line that says why, and what helps."""

    why: str
    mend: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the app's title, its image and hardware, and ``holders``, who has the GPUs, if known."""

    title: str
    image: str
    hardware: Hardware
    holders: str = ""


# KubeSpawner itself would wait for it until the start's time is up.
GONE: Final = Impossible("its pod was taken from the cluster as it started", "try again")

Event = Mapping[str, Any]
Look = Waiting | Impossible


def look(
    pod: Mapping[str, Any] | None, events: Sequence[Event], asked: Asked, *, autoscaling: bool, now: datetime
) -> Look:
    """What a person who waits is told of a pod at ``now`` (aware), from its state and its events, the oldest first.

    With ``autoscaling`` a pod that finds no node waits for one to be added.
    """
    if pod is None:
        return Waiting(2, "Asking the cluster for a session")
    if pod["status"].get("phase") == "Failed":
        return Impossible(f"The cluster ended the session as it started: {_ending(pod)}", _ADMINISTRATOR)
    if not pod["spec"].get("nodeName"):
        return _unplaced(pod, events, asked, autoscaling, now)
    for state in pod["status"].get("initContainerStatuses") or []:
        if (state.get("state") or {}).get("waiting"):
            return _container(state, events, asked, now)
    for state in pod["status"].get("containerStatuses") or []:
        return _container(state, events, asked, now)
    return _on_a_node(events, asked, now)


def refusal(status: int, message: str) -> Impossible:
    """Why the cluster did not take a pod at all, from its API's answer."""
    if status == 403 and "exceeded quota" in message:
        return Impossible(f"The lab's quota on this cluster is used up: {_after('exceeded quota', message)}", _SMALLER)
    if status == 403 and "PodSecurity" in message:
        return Impossible(f"The cluster's rules refuse this session: {_after('PodSecurity', message)}", _ADMINISTRATOR)
    return Impossible(f"The cluster refused this session: {' '.join(message.split())[:300]}", _ADMINISTRATOR)


def over(pod: Mapping[str, Any]) -> bool:
    """Whether a pod's program has ended, or the cluster has ended the pod."""
    states = pod["status"].get("containerStatuses") or []
    return pod["status"].get("phase") in ("Failed", "Succeeded") or any(
        "terminated" in (state.get("state") or {}) for state in states
    )


def ended(pod: Mapping[str, Any] | None) -> tuple[str, datetime | None]:
    """Why a pod that ran runs no more, in words, and when it ended, where that is known."""
    if pod is None:
        return "its pod is gone", None
    for state in pod["status"].get("containerStatuses") or []:
        if over := (state.get("state") or {}).get("terminated"):
            return _ending(pod), _time(over.get("finishedAt"))
    return _ending(pod), None


_ADMINISTRATOR: Final = "Tell an administrator"
_SMALLER: Final = "Stop another session, or choose smaller hardware"
_NEVER: Final = ("InvalidImageName", "ErrImageNeverPull")
_NOT_THERE: Final = re.compile(r"not found|not exist|manifest unknown|denied|unauthorized|forbidden", re.IGNORECASE)
_BROKEN: Final = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff")

# What a scheduler says of nodes → what is lacking there, in words.
_LACKS: Final = (
    (r"Insufficient cpu", "too few free CPUs"),
    (r"Insufficient memory", "too little free memory"),
    (r"Insufficient nvidia\.com/gpu", "no free GPU"),
    (r"Insufficient ephemeral-storage", "too little free disk"),
    (r"Too many pods", "no place for another pod"),
    (r"didn't match Pod's node affinity/selector", "not of the kind asked for"),
    (r"had untolerated taint", "kept for others"),
    (r"volume node affinity conflict", "out of reach of your home's volume"),
    (r"were unschedulable", "closed for new sessions"),
)


def _unplaced(pod: Mapping[str, Any], events: Sequence[Event], asked: Asked, autoscaling: bool, now: datetime) -> Look:
    said = [event for event in events if event.get("reason") in _OF_SCHEDULING]
    if not said:
        return Waiting(5, "Looking for a node with room")
    last, message = said[-1]["reason"], str(said[-1].get("message", ""))
    since = _time(pod["metadata"].get("creationTimestamp")) or now
    seconds = (now - since).total_seconds()
    if last == "TriggeredScaleUp":
        return Waiting(12, "No node had room, so the cluster adds one; that takes some minutes")
    if last == "FailedScheduling" and re.search(r"persistentvolumeclaim|volume to be created|not bound", message, re.I):
        if seconds > _VOLUME:
            return Impossible(
                f"The volume of your home was not made: {' '.join(message.split())[:200]}", _ADMINISTRATOR
            )
        return Waiting(8, "Waiting for the volume of your home")
    if autoscaling and (last == "FailedScheduling" or seconds < _COOL_DOWN):
        return Waiting(10, f"No node has room for {_size(asked.hardware)}; waiting for one to be added")
    if last == "NotTriggerScaleUp":
        why = f"No node has room for {_size(asked.hardware)}, and none can be added: {_lacking(message)}"
        return Impossible(why, _SMALLER)
    if seconds < _PATIENCE:
        return Waiting(5, "Looking for a node with room")
    held = f"; {asked.holders}" if asked.holders else ""
    return Impossible(f"No node has room for {_size(asked.hardware)}: {_lacking(message)}{held}", _SMALLER)


_OF_SCHEDULING: Final = ("FailedScheduling", "TriggeredScaleUp", "NotTriggerScaleUp")


def _on_a_node(events: Sequence[Event], asked: Asked, now: datetime) -> Look:
    reasons = [event.get("reason") for event in events]
    if "FailedMount" in reasons or "FailedAttachVolume" in reasons:
        return Waiting(25, "Your home's volume is not there yet; the cluster keeps trying")
    if pulling := [event for event in events if event.get("reason") in ("Pulling", "Pulled")]:
        if pulling[-1]["reason"] == "Pulled":
            return Waiting(85, f"{asked.title} is on the node; starting it")
        since = _time(pulling[-1].get("lastTimestamp") or pulling[-1].get("eventTime")) or now
        seconds = max(int((now - since).total_seconds()), 0)
        so_far = f", {seconds // 5 * 5} s so far" if seconds >= 5 else ""
        # It never says how much is left; the bar slows down as it goes.
        return Waiting(30 + 50 * seconds // (seconds + 60), f"Fetching {asked.title} to a node that lacks it{so_far}")
    return Waiting(20, "A node is found; bringing your home there")


def _container(state: Mapping[str, Any], events: Sequence[Event], asked: Asked, now: datetime) -> Look:
    if "running" in state["state"]:
        return Waiting(92, "Started; opening the session")
    waiting = state["state"].get("waiting") or {}
    reason, message = str(waiting.get("reason", "")), " ".join(str(waiting.get("message", "")).split())
    if reason in ("ErrImagePull", "ImagePullBackOff", *_NEVER):
        return _no_image(reason, events, asked, now)
    if reason in _BROKEN or state.get("restartCount"):
        over = (state.get("lastState") or {}).get("terminated") or {}
        code = f"its program ended with status {over['exitCode']}" if "exitCode" in over else message
        return Impossible(f"{asked.title} did not start: {code or reason}", _ADMINISTRATOR)
    return _on_a_node(events, asked, now)


def _no_image(reason: str, events: Sequence[Event], asked: Asked, now: datetime) -> Look:
    failures = [event for event in events if event.get("reason") == "Failed" and "image" in str(event.get("message"))]
    said = " ".join(str(event.get("message", "")) for event in failures)
    first = _time(failures[0].get("firstTimestamp") or failures[0].get("eventTime")) if failures else None
    if reason in _NEVER or _NOT_THERE.search(said):
        why = f"The image of {asked.title}, {asked.image}, is not in its registry, or this cluster may not fetch it"
        return Impossible(why, "An administrator pushes it (docs/images.md), or mends its name in the chart's values")
    if first and (now - first).total_seconds() > _RETRIES:
        why = f"The image of {asked.title}, {asked.image}, could not be fetched: {said[-200:]}"
        return Impossible(why, "Try again; if it stays so, an administrator looks at the registry")
    return Waiting(30, f"The registry did not answer for {asked.title}; asking again")


def _lacking(message: str) -> str:
    """A scheduler's message in words: how many nodes lack what."""
    found = []
    for pattern, words in _LACKS:
        if hit := re.search(rf"(?:(\d+) )?(?:node\(s\) )?{pattern}", message):
            many = int(hit[1] or 0)
            found.append(f"{many} {'node has' if many == 1 else 'nodes have'} {words}" if many else words)
    said = "; ".join(found) or " ".join(message.split())[:200]
    return re.sub(r"(node|nodes) (has|have) (not|kept|out|closed)", _is, said)


def _is(hit: re.Match[str]) -> str:
    return f"{hit[1]} {'is' if hit[2] == 'has' else 'are'} {hit[3]}"


def _ending(pod: Mapping[str, Any]) -> str:
    status = pod["status"]
    for state in status.get("containerStatuses") or []:
        over = (state.get("state") or {}).get("terminated") or {}
        if over.get("reason") == "OOMKilled":
            return "it used more memory than its hardware has"
        if over and not status.get("reason"):
            return f"its program ended with status {over.get('exitCode')}"
    if status.get("reason"):
        return f"{status['reason']}: {' '.join(str(status.get('message', '')).split())[:200]}"
    return "its pod ended"


def _size(hardware: Hardware) -> str:
    gpus = f", {hardware.gpus} GPU{'' if hardware.gpus == 1 else 's'}" if hardware.gpus else ""
    return f"{hardware.title} ({hardware.cpus:g} CPUs, {hardware.memory / (1 << 30):g} GiB{gpus})"


def _after(words: str, message: str) -> str:
    return " ".join(message[message.index(words) :].split())[:250]


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    return datetime.fromisoformat(text).astimezone(UTC)
