"""Which addresses a session must not reach, and how it is kept from them."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from somahub.spawners.sandbox.programs import ENVIRONMENT, program

# Where clouds tell a machine its secrets: link-local addresses (most), Azure's wire server, Alibaba's.
METADATA = ("169.254.0.0/16", "168.63.129.16", "100.100.100.200")
_ADDRESS_CHANGES = 0x10  # RTMGRP_IPV4_IFADDR
# Without a network, pasta finds nothing to take an address from; a session starts all the same.
_OFFLINE = (
    *("-i", "lo", "-I", "eth0", "-M", "9a:55:9a:55:9a:55"),
    *("-a", "198.18.0.2", "-n", "30", "-g", "198.18.0.1"),
)
# Releases since late 2024 hand what arrives on the host's loopback to another address of the sandbox, without this.
_TO_LOOPBACK = "--host-lo-to-ns-lo"


def closed(local: Iterable[str]) -> frozenset[str]:
    """The destinations to close, from those that the host takes for itself; its loopback is not the sandbox's. Pure."""
    return frozenset(METADATA) | {destination for destination in local if not destination.startswith("127.")}


def orders(before: frozenset[str], after: frozenset[str]) -> str:
    """What to tell ``ip -batch`` so that ``after`` is closed instead of ``before``. Pure."""
    gone = [f"route del blackhole {destination}\n" for destination in sorted(before - after)]
    return "".join([f"route replace blackhole {destination}\n" for destination in sorted(after)] + gone)


def own_addresses() -> list[str]:
    """The IPv4 destinations that this host takes for itself."""
    said = subprocess.run(
        ["ip", "-4", "-j", "route", "show", "table", "local", "type", "local"],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
    ).stdout
    return [route["dst"] for route in json.loads(said or b"[]")]


def close(member: int, before: frozenset[str], after: frozenset[str]) -> None:
    """Close destinations in the network namespace of process ``member``; raises CalledProcessError."""
    subprocess.run(
        ["nsenter", "--preserve-credentials", "-U", "-n", "-t", str(member), "ip", "-4", "-force", "-batch", "-"],
        input=orders(before, after).encode(),
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
    )


def address_changes() -> socket.socket:
    """A socket that is readable when an IPv4 address of this host came or went."""
    changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    changes.bind((0, _ADDRESS_CHANGES))
    return changes


def pasta_options() -> tuple[str, ...]:
    """What pasta must be told on this host, now."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    online = any(route.split()[1] == route.split()[7] == "00000000" for route in routes)
    return (*_release_options(), *(() if online else _OFFLINE))


@cache
def _release_options() -> tuple[str, ...]:
    said = subprocess.run([program("pasta"), "--help"], capture_output=True, check=False, env=ENVIRONMENT)
    return (_TO_LOOPBACK,) if _TO_LOOPBACK.encode() in said.stdout + said.stderr else ()
