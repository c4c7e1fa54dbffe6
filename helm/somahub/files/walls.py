"""From where a session stands: is open what should be, and closed what should be? Standard library alone."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence

# A new pod's policies may take a moment to be in force, and a hub that was just installed one to answer.
SETTLE = 20.0
ANSWER = 60.0
TIMEOUT = 3.0

Way = tuple[str, str, int]
PROXY_API: Way = ("the proxy's own API", "proxy-api", 8001)
OPEN: tuple[Way, ...] = (
    ("the hub", "hub", 8081),
    ("the proxy", "proxy-public", int(os.environ.get("PROXY_PUBLIC_SERVICE_PORT", "80"))),
)
CLOSED: tuple[Way, ...] = (
    ("the Kubernetes API", os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default"), 443),
    PROXY_API,
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


def settled(ways: Sequence[Way], wanted: bool, seconds: float) -> list[Way]:
    """Those of the ways that do not become open, or closed, as ``wanted`` within that time, all together."""
    end = time.monotonic() + seconds
    left = list(ways)
    while left := [way for way in left if connects(way[1], way[2]) is not wanted]:
        if time.monotonic() > end:
            break
        time.sleep(0.5)
    return left


def main() -> int:
    """Print a line for each way, and the verdict; 0 where all is as it should be."""
    missing = settled(OPEN, True, ANSWER)
    leaks = settled(CLOSED, False, SETTLE)
    for way in CLOSED:
        print(f"{'OPEN  ' if way in leaks else 'closed'}  {way[0]}, {way[1]} port {way[2]}")
    for name, host, port in missing:
        print(f"MISSING {name}, {host} port {port}: is its pod ready, and does the cluster's DNS answer?")
    if PROXY_API in leaks:
        print("NetworkPolicy is NOT enforced by this cluster: sessions reach each other, and whatever a node reaches.")
        print("What helps: a network plug-in that enforces it, such as Calico or Cilium.")
    elif leaks:
        print(f"NetworkPolicy is enforced, but sessions reach {', '.join(way[0] for way in leaks)}.")
        print("What helps: its address or range in sessions.closedRanges, and helm upgrade.")
    elif not missing:
        print("NetworkPolicy is enforced: a session reaches the hub, and nothing of the cluster beside it.")
    return 1 if leaks or missing else 0


if __name__ == "__main__":
    sys.exit(main())
