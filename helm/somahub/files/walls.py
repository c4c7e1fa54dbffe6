"""From where a session stands: is open what should be, and closed what should be? Standard library alone."""

from __future__ import annotations

import os
import socket
import sys
import time

# A new pod's policies may take a moment to be in force, and a hub that was just installed one to answer.
SETTLE = 20.0
ANSWER = 60.0
TIMEOUT = 3.0

OPEN = (
    ("the hub", "hub", 8081),
    ("the proxy", "proxy-public", int(os.environ.get("PROXY_PUBLIC_SERVICE_PORT", "80"))),
)
CLOSED = (
    ("the Kubernetes API", os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default"), 443),
    ("the proxy's own API", "proxy-api", 8001),
    ("another pod (the service)", "somahub-service", 8080),
    ("the cloud's metadata", "169.254.169.254", 80),
    ("the cloud's metadata", "fd00:ec2::254", 80),
)


def connects(host: str, port: int) -> bool:
    """Whether a TCP connection is accepted within TIMEOUT seconds. A refusal may be the policy's own way to say no."""
    try:
        with socket.create_connection((host, port), TIMEOUT):
            return True
    except OSError:
        return False


def becomes(wanted: bool, host: str, port: int, seconds: float) -> bool:
    """Whether ``connects`` is ``wanted`` within that time."""
    end = time.monotonic() + seconds
    while connects(host, port) is not wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def main() -> int:
    """Print a line for each way, and the verdict; 0 where all is as it should be."""
    missing = [f"{name} ({host}:{port})" for name, host, port in OPEN if not becomes(True, host, port, ANSWER)]
    leaks = []
    for name, host, port in CLOSED:
        closed = becomes(False, host, port, SETTLE)
        print(f"{'closed' if closed else 'OPEN  '}  {name}, {host} port {port}")
        if not closed:
            leaks.append(name)
    for way in missing:
        print(f"MISSING {way} does not answer a session: is its pod ready, and does the cluster's DNS answer?")
    if "the proxy's own API" in leaks:
        print("NetworkPolicy is NOT enforced by this cluster: sessions reach each other, and whatever a node reaches.")
        print("What helps: a network plug-in that enforces it, such as Calico or Cilium.")
    elif leaks:
        print(f"NetworkPolicy is enforced, but sessions reach {', '.join(leaks)}.")
        print("What helps: its address or range in sessions.closedRanges, and helm upgrade.")
    elif not missing:
        print("NetworkPolicy is enforced: a session reaches the hub, and nothing of the cluster beside it.")
    return 1 if leaks or missing else 0


if __name__ == "__main__":
    sys.exit(main())
