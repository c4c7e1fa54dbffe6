"""Pod Security "restricted" as the Kubernetes documentation has it, for the template of a pod."""

from __future__ import annotations

from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
}


def violations(template: dict[str, Any]) -> list[str]:
    """What of a pod is more than "restricted" allows; empty where it keeps to it."""
    spec = template["spec"]
    pod = spec.get("securityContext") or {}
    containers = [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]
    found = [f"{key} is shared" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += [
        f"volume {volume['name']} is of no allowed kind"
        for volume in spec.get("volumes", [])
        if not VOLUMES.issuperset(set(volume) - {"name"})
    ]
    found += [f"sysctl {name['name']}" for name in pod.get("sysctls", []) if name["name"] not in SAFE_SYSCTLS]
    for container in containers:
        found += [f"{container['name']}: {fault}" for fault in _container(container, pod)]
    return found


def _container(container: dict[str, Any], pod: dict[str, Any]) -> list[str]:
    own = container.get("securityContext") or {}
    capabilities = own.get("capabilities") or {}
    both = {**pod, **own}
    rules = {
        "is privileged": not own.get("privileged"),
        "may gain privileges": own.get("allowPrivilegeEscalation") is False,
        "may be root": both.get("runAsNonRoot") is True and both.get("runAsUser") != 0,
        "keeps capabilities": "ALL" in capabilities.get("drop", []),
        "adds capabilities": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "has no seccomp profile": (both.get("seccompProfile") or {}).get("type") in ("RuntimeDefault", "Localhost"),
        "has host ports": not any(port.get("hostPort") for port in container.get("ports", [])),
        "sees all of /proc": own.get("procMount", "Default") == "Default",
        "chooses SELinux labels": not both.get("seLinuxOptions"),
    }
    return [fault for fault, kept in rules.items() if not kept]
