"""Pods that tests of the lab run: the lab's own probe, which serves a page and does small errands."""

from __future__ import annotations

from typing import Any

from somahub.local.processes import wait_until
from tests.cluster.lab import CommandError, Lab
from tests.cluster.lab.build import IMAGES

PROBE = IMAGES["probe"]
SECONDS = 60.0
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str, namespace: str, *, image: str = PROBE, labels: dict[str, str] | None = None, **spec: Any) -> Any:
    """A pod that serves on port 8080, named ``web``, without any right."""
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "web", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1},
        "securityContext": RESTRICTED,
        **spec.pop("container", {}),
    }
    more = {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False, **spec}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"name": name, **(labels or {})}},
        "spec": {"containers": [container], **more},
    }


def namespace(name: str, **labels: str) -> Any:
    """A namespace; ``labels`` with ``_`` for what YAML writes as ``-``."""
    named = {key.replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": named}}


def ready(lab: Lab, namespace: str, *names: str) -> None:
    """Wait until these pods are ready; tells what the cluster says where they are not."""
    try:
        lab.kubectl("-n", namespace, "wait", "--for=condition=Ready", f"--timeout={SECONDS:.0f}s", "pod", *names)
    except CommandError as error:
        raise AssertionError(f"{error}\n{lab.logs()}") from None


def address(lab: Lab, namespace: str, name: str) -> str:
    """A pod's address."""
    return str(lab.get("-n", namespace, "pod", name)["status"]["podIP"])


def run(lab: Lab, namespace: str, name: str, *words: str) -> str:
    """What the probe says to one of its errands."""
    return lab.kubectl("-n", namespace, "exec", name, "--", "/probe", *words).strip()


def reaches(lab: Lab, namespace: str, name: str, url: str) -> bool:
    """Whether a pod gets an answer from ``url`` within two seconds."""
    try:
        run(lab, namespace, name, "get", url)
    except CommandError:
        return False
    return True


def soon(done: Any, seconds: float = SECONDS) -> bool:
    """Whether it is done before long: rules, addresses and nodes follow what is asked for by a moment."""
    return wait_until(done, seconds, 0.2)
