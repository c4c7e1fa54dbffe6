"""Who reaches whom by a set of NetworkPolicies, as a plug-in that enforces them decides."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod: its labels, its address, the names of its ports, and its namespace's name."""

    labels: Mapping[str, str]
    address: str = "10.244.0.9"
    ports: Mapping[str, int] = field(default_factory=dict)
    namespace: str = "lab"


@dataclass(frozen=True)
class Outside:
    """What is no pod of the cluster: a node, a store, the cloud's metadata, the internet."""

    address: str


def reaches(
    policies: Sequence[Policy], source: Pod | Outside, target: Pod | Outside, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a connection is let out at its source and in at its target; what no policy selects is open."""
    out = _lets(policies, "Egress", source, target, target, port, protocol)
    return out and _lets(policies, "Ingress", target, source, target, port, protocol)


def _lets(
    policies: Sequence[Policy],
    way: str,
    here: Pod | Outside,
    there: Pod | Outside,
    target: Pod | Outside,
    port: int,
    protocol: str,
) -> bool:
    if isinstance(here, Outside):
        return True
    held = [
        policy["spec"]
        for policy in policies
        if way in policy["spec"]["policyTypes"]
        and here.namespace == "lab"
        and selects(policy["spec"]["podSelector"], here.labels)
    ]
    rules = [rule for spec in held for rule in spec.get(way.lower()) or []]
    peers = "to" if way == "Egress" else "from"
    return not held or any(
        _port(rule.get("ports"), target, port, protocol)
        and (not rule.get(peers) or any(_peer(peer, there) for peer in rule[peers]))
        for rule in rules
    )


def _port(ports: Sequence[Mapping[str, Any]] | None, target: Pod | Outside, port: int, protocol: str) -> bool:
    names = target.ports if isinstance(target, Pod) else {}
    return not ports or any(
        each.get("protocol", "TCP") == protocol
        and ("port" not in each or each["port"] == port or names.get(str(each["port"])) == port)
        for each in ports
    )


def _peer(peer: Mapping[str, Any], there: Pod | Outside) -> bool:
    if "ipBlock" in peer:
        address = ipaddress.ip_address(there.address)
        block = peer["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(closed) for closed in block.get("except", [])
        )
    if isinstance(there, Outside):
        return False
    if "namespaceSelector" in peer:
        name = {"kubernetes.io/metadata.name": there.namespace}
        if not selects(peer["namespaceSelector"] or {}, name):
            return False
    elif there.namespace != "lab":
        return False
    return selects(peer.get("podSelector") or {}, there.labels)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects those labels."""
    expressions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in expressions), "only In is used, and known here"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )
