"""Two people reach nothing of each other, nor of what stands around them: who reaches whom, by the policies."""

from __future__ import annotations

import ipaddress
import runpy
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import CHART, GATEWAY, Rendered, nested, render
from tests.chart.reach import Outside, Pod, reaches

ANNA = Pod(
    {
        "component": "singleuser-server",
        "app": "jupyterhub",
        "release": "somahub",
        "hub.jupyter.org/network-access-hub": "true",
        "somahub/person": "anna",
    },
    "10.244.0.11",
    {"notebook-port": 8888},
)
BERT = Pod({**ANNA.labels, "somahub/person": "bert"}, "10.244.0.12", ANNA.ports)
STRANGER = Pod({"app": "something-else"}, "10.244.0.13")
DNS = Pod({"k8s-app": "kube-dns"}, "10.244.0.2", namespace="kube-system")
WORKER = Pod(
    {
        "app.kubernetes.io/name": "dask-gateway",
        "gateway.dask.org/instance": "somahub-dask-gateway",
        "app.kubernetes.io/component": "dask-worker",
    },
    "10.244.0.21",
)
SCHEDULER = Pod({**WORKER.labels, "app.kubernetes.io/component": "dask-scheduler"}, "10.244.0.22")
INTERNET = [Outside("151.101.1.63"), Outside("2a04:4e42::223")]
METADATA = [Outside("169.254.169.254"), Outside("fd00:ec2::254"), Outside("169.254.170.23")]
# A node's kubelet, the API, a lab's file server, another private network, carriers' and providers' inner ones.
PRIVATE = [
    *map(Outside, ("10.0.0.5", "10.96.0.1", "192.168.7.20", "172.31.9.9", "100.64.0.1", "100.127.255.254")),
    *map(Outside, ("127.0.0.1", "198.18.0.1", "fd12:3456::1", "fe80::1", "64:ff9b::a00:5", "2002:a00:5::1", "::1")),
]
PORTS = (22, 80, 443, 6443, 8081, 8888, 10250)


def _pod(rendered: Rendered, name: str, address: str) -> Pod:
    """The pod of a Deployment, as the policies see it."""
    template = rendered.pods()[f"Deployment/{name}"]
    ports = {
        port["name"]: port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container.get("ports", [])
    }
    return Pod(template["metadata"]["labels"], address, ports)


@pytest.fixture(scope="module")
def policies(whole: Rendered) -> list[dict[str, Any]]:
    """All policies of an installation."""
    return whole.of("NetworkPolicy")


@pytest.fixture(scope="module")
def pods(whole: Rendered) -> dict[str, Pod]:
    """The pods of an installation, by their Deployments' names."""
    names = ("hub", "proxy", "somahub-service")
    return {name: _pod(whole, name, f"10.244.0.{n}") for n, name in enumerate(names, 31)}


def test_a_session_reaches_no_other_session(policies: list[dict[str, Any]]) -> None:
    """On no port, neither out nor in."""
    assert not [port for port in (*PORTS, 53) for way in ("TCP", "UDP") if reaches(policies, ANNA, BERT, port, way)]


def test_a_session_is_reached_by_hub_and_proxy_alone(policies: list[dict[str, Any]], pods: dict[str, Pod]) -> None:
    """And on its one port."""
    assert reaches(policies, pods["hub"], ANNA, 8888)
    assert reaches(policies, pods["proxy"], ANNA, 8888)
    others: list[Pod | Outside] = [
        STRANGER,
        pods["somahub-service"],
        WORKER,
        SCHEDULER,
        DNS,
        Outside("10.0.0.5"),
        *INTERNET,
    ]
    for source in others:
        assert not reaches(policies, source, ANNA, 8888), source
    assert not reaches(policies, pods["proxy"], ANNA, 22)


def test_a_session_reaches_hub_and_proxy_and_no_other_part(
    policies: list[dict[str, Any]], pods: dict[str, Pod]
) -> None:
    """The proxy's own API, which could send people's requests elsewhere, is the hub's; the service is behind it."""
    assert reaches(policies, ANNA, pods["hub"], 8081)
    assert reaches(policies, ANNA, pods["proxy"], 8000)
    assert not reaches(policies, ANNA, pods["proxy"], 8001)
    assert not reaches(policies, ANNA, pods["somahub-service"], 8080)
    assert not reaches(policies, STRANGER, pods["hub"], 8081)
    assert not reaches(policies, STRANGER, pods["proxy"], 8001)


def test_a_session_asks_for_names_and_reaches_the_internet(policies: list[dict[str, Any]]) -> None:
    """DNS of the cluster, by pod, by node or by NodeLocal DNSCache; public addresses on every port."""
    for resolver in (DNS, Outside("10.0.0.5"), Outside("169.254.20.10"), Outside("fd12::53")):
        assert reaches(policies, ANNA, resolver, 53, "UDP")
        assert reaches(policies, ANNA, resolver, 53, "TCP")
    assert all(reaches(policies, ANNA, public, 443) for public in INTERNET)


@pytest.mark.parametrize("target", PRIVATE, ids=lambda target: target.address)
def test_a_session_reaches_no_private_address(policies: list[dict[str, Any]], target: Outside) -> None:
    """No node, no API, no file server."""
    assert not [port for port in PORTS if reaches(policies, ANNA, target, port)]


@pytest.mark.parametrize("target", METADATA, ids=lambda target: target.address)
def test_nobody_reaches_the_clouds_metadata(
    policies: list[dict[str, Any]], pods: dict[str, Pod], target: Outside
) -> None:
    """Neither session, hub, proxy nor service, by IPv4 or IPv6, on any port: a node's identity stays the node's."""
    sources = [ANNA, pods["proxy"], pods["somahub-service"]]
    if target.address != "169.254.170.23":
        # Where a provider hands out pods' own credentials: an operator may give the hub some; a session has none.
        sources.append(pods["hub"])
    for source in sources:
        assert not [port for port in (*PORTS, 53) if reaches(policies, source, target, port)], source
        assert not reaches(policies, source, target, 53, "UDP")


def test_the_metadata_address_is_excepted_by_name_of_its_range(whole: Rendered) -> None:
    """Every range of every policy that holds it excepts it: as text, for plug-ins whose reading differs from ours."""
    blocks = list(_blocks(whole.of("NetworkPolicy")))
    for address in ("169.254.169.254", "fd00:ec2::254"):
        holding = [block for block in blocks if _within(address, block["cidr"])]
        assert holding
        for block in holding:
            assert any(_within(address, closed) for closed in block.get("except", [])), block


def test_proxy_and_service_reach_what_they_need_and_no_more(
    policies: list[dict[str, Any]], pods: dict[str, Pod]
) -> None:
    """Whoever takes one of them over stands before the same walls."""
    hub, proxy, service = pods["hub"], pods["proxy"], pods["somahub-service"]
    assert reaches(policies, proxy, hub, 8081)
    assert reaches(policies, proxy, service, 8080)
    assert reaches(policies, hub, service, 8080)
    assert reaches(policies, service, hub, 8081)
    assert reaches(policies, service, DNS, 53, "UDP")
    for source in (proxy, service):
        for target in (*INTERNET, *PRIVATE):
            assert not [port for port in PORTS if reaches(policies, source, target, port)], (source, target)
    assert not reaches(policies, service, ANNA, 8888)
    assert not reaches(policies, STRANGER, service, 8080)


def test_the_hub_reaches_the_api_wherever_it_is(policies: list[dict[str, Any]], pods: dict[str, Pod]) -> None:
    """At a private address or, where the provider runs it, at a public one."""
    assert reaches(policies, pods["hub"], Outside("10.0.0.5"), 6443)
    assert reaches(policies, pods["hub"], INTERNET[0], 443)
    assert reaches(policies, pods["hub"], pods["proxy"], 8001)


def test_the_internet_can_be_closed(whole_chart: Path) -> None:
    """All of it, or ranges of it."""
    closed = render(whole_chart, nested("sessions.internet", False)).of("NetworkPolicy")
    assert not any(reaches(closed, ANNA, public, 443) for public in INTERNET)
    assert reaches(closed, ANNA, DNS, 53, "UDP")
    some = render(whole_chart, nested("sessions.closedRanges", ["151.101.0.0/16", "2a04::/16"])).of("NetworkPolicy")
    assert not any(reaches(some, ANNA, public, 443) for public in INTERNET)
    assert reaches(some, ANNA, Outside("8.8.8.8"), 443)


def test_a_way_to_a_labs_own_store_can_be_opened(whole_chart: Path) -> None:
    """By adding to the policy, and to nothing else of the private network."""
    store = {"to": [{"ipBlock": {"cidr": "192.168.7.20/32"}}], "ports": [{"port": 443}]}
    opened = render(whole_chart, nested("jupyterhub.singleuser.networkPolicy.egress", [store])).of("NetworkPolicy")
    assert reaches(opened, ANNA, Outside("192.168.7.20"), 443)
    assert not reaches(opened, ANNA, Outside("192.168.7.20"), 22)
    assert not reaches(opened, ANNA, Outside("192.168.7.21"), 443)


def test_batch_clusters_stand_behind_the_same_walls(whole_chart: Path) -> None:
    """A worker reaches schedulers, the gateway and the internet; its dashboard is open to no session."""
    rendered = render(whole_chart, GATEWAY)
    held = rendered.of("NetworkPolicy")
    api, traefik = (_pod(rendered, f"{name}-somahub-dask-gateway", "10.244.0.41") for name in ("api", "traefik"))
    hub = _pod(rendered, "hub", "10.244.0.31")
    assert reaches(held, ANNA, traefik, 8000)
    assert reaches(held, traefik, api, 8000)
    assert reaches(held, traefik, SCHEDULER, 8786)
    assert reaches(held, WORKER, SCHEDULER, 8786)
    assert reaches(held, SCHEDULER, WORKER, 40000)
    assert reaches(held, api, SCHEDULER, 8788)
    assert reaches(held, api, hub, 8081)
    assert reaches(held, SCHEDULER, api, 8000)
    assert reaches(held, WORKER, INTERNET[0], 443)
    for source in (ANNA, traefik, STRANGER, WORKER, hub):
        assert not reaches(held, source, SCHEDULER, 8787), source
    for source in (ANNA, STRANGER, hub):
        assert not reaches(held, source, WORKER, 40000), source
    beyond: list[Pod | Outside] = [ANNA, hub, *PRIVATE, *METADATA]
    for target in beyond:
        assert not [port for port in PORTS if reaches(held, WORKER, target, port)], target
    assert not reaches(held, ANNA, api, 8000)


def test_own_templates_alone_close_private_networks_and_metadata(own: Rendered) -> None:
    """The ways out of a session are this chart's own, whatever its dependencies would open."""
    held = own.of("NetworkPolicy")
    closed: list[Pod | Outside] = [*PRIVATE, *METADATA, BERT]
    assert not [target for target in closed if reaches(held, ANNA, target, 443)]
    assert all(reaches(held, ANNA, public, 443) for public in INTERNET)


def _blocks(policies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for policy in policies:
        for rule in policy["spec"].get("egress") or []:
            yield from (peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer)


def _within(address: str, block: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block)


def test_helm_test_tells_an_open_way_from_a_closed_one() -> None:
    """The script that it runs, at a port that answers and one that does not."""
    script = runpy.run_path(str(CHART / "files/walls.py"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        way = ("a port", "127.0.0.1", listening.getsockname()[1])
        nowhere = ("nowhere", "no-such-name.invalid", 80)
        assert script["settled"]([way, nowhere], True, 0.1) == [nowhere]
        assert script["settled"]([way, nowhere], False, 0.1) == [way]
    assert script["settled"]([way, nowhere], False, 5) == []
