"""The lab is a real cluster: what it promises to the tests that stand on it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.cluster.lab import CommandError, Lab, fake_nodes
from tests.cluster.pods import PROBE, address, namespace, pod, reaches, ready, run, soon

HERE, THERE = "lab-here", "lab-there"


@pytest.fixture(scope="module", autouse=True)
def spaces(own_lab: Lab) -> Iterator[None]:
    """Two namespaces: one held to the strictest rules for pods, one to none."""
    own_lab.apply(
        namespace(HERE, side="here")
        | {"metadata": {"name": HERE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        namespace(THERE, side="there"),
    )
    own_lab.apply(pod("one", HERE), pod("two", HERE), pod("away", THERE))
    ready(own_lab, HERE, "one", "two")
    ready(own_lab, THERE, "away")
    yield
    own_lab.kubectl("delete", "namespace", HERE, THERE, "--wait=false")


def service(name: str, **more: Any) -> Any:
    spec = {"selector": {"name": "one"}, "ports": [{"port": 80, "targetPort": "web", **more.pop("port", {})}], **more}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": HERE}, "spec": spec}


def policy(name: str, **spec: Any) -> Any:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": {"name": name, "namespace": HERE}, "spec": spec}


def test_the_node_is_ready_and_says_the_version_that_was_built(own_lab: Lab) -> None:
    (node,) = (each for each in own_lab.get("nodes")["items"] if each["metadata"]["name"] == "node1")
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert {each["type"]: each["status"] for each in node["status"]["conditions"]}["Ready"] == "True"


def test_a_pod_says_what_it_does_and_runs_what_it_is_told(own_lab: Lab) -> None:
    assert run(own_lab, HERE, "one", "get", "http://127.0.0.1:8080").startswith("hello from one")


def test_a_service_has_a_name_in_the_cluster_and_a_port_on_the_node(own_lab: Lab) -> None:
    own_lab.apply(service("web", type="NodePort", port={"nodePort": 30999}))
    assert soon(lambda: reaches(own_lab, HERE, "two", "http://web"))
    assert run(own_lab, THERE, "away", "get", f"http://web.{HERE}.svc.cluster.local").startswith("hello from one")
    assert httpx.get(f"http://{own_lab.node_ip}:30999", timeout=5).text.startswith("hello from one")


def test_a_name_that_is_not_the_clusters_is_nobodys(own_lab: Lab) -> None:
    with pytest.raises(CommandError, match="no such host"):
        run(own_lab, HERE, "one", "lookup", "example.org")


def test_a_pod_reaches_nothing_outside_not_even_the_machine_it_runs_on(own_lab: Lab) -> None:
    with subprocess.Popen(
        ["/usr/bin/python3", "-m", "http.server", "30998", "--bind", own_lab.places.host_address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/proc/self/fdinfo",
    ) as server:
        try:
            url = f"http://{own_lab.places.host_address}:30998"
            assert soon(lambda: _answers(url), 10)
            assert not reaches(own_lab, HERE, "one", url)
        finally:
            server.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


def test_a_claim_gets_a_volume_that_the_pods_group_may_write_and_keeps_it(own_lab: Lab) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "home", "namespace": HERE}
    own_lab.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim})
    spec: dict[str, Any] = {
        "securityContext": {"fsGroup": 2000},
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
        "container": {"volumeMounts": [{"name": "home", "mountPath": "/home"}]},
    }
    own_lab.apply(pod("writer", HERE, **spec))
    ready(own_lab, HERE, "writer")
    run(own_lab, HERE, "writer", "write", "/home/note", "kept")
    assert run(own_lab, HERE, "writer", "stat", "/home/note") == "0644 1000 2000"
    own_lab.kubectl("-n", HERE, "delete", "pod", "writer")
    own_lab.apply(pod("reader", HERE, **spec))
    ready(own_lab, HERE, "reader")
    assert run(own_lab, HERE, "reader", "stat", "/home/note") == "0644 1000 2000"


def test_a_namespace_held_to_the_strictest_rules_refuses_a_privileged_pod(own_lab: Lab) -> None:
    with pytest.raises(CommandError, match='violates PodSecurity "restricted'):
        own_lab.apply(pod("strong", HERE, container={"securityContext": {"privileged": True}}))


def test_what_a_policy_does_not_allow_in_is_denied_and_what_it_allows_passes(own_lab: Lab) -> None:
    url = f"http://{address(own_lab, HERE, 'one')}:8080"
    assert reaches(own_lab, THERE, "away", url)
    only = {"from": [{"podSelector": {"matchLabels": {"name": "two"}}}], "ports": [{"port": "web"}]}
    own_lab.apply(policy("in", podSelector={"matchLabels": {"name": "one"}}, ingress=[only]))
    assert soon(lambda: not reaches(own_lab, THERE, "away", url))
    assert reaches(own_lab, HERE, "two", url)
    # The kubelet asks it whether it is ready, whatever policies say.
    ready(own_lab, HERE, "one")
    own_lab.kubectl("-n", HERE, "delete", "networkpolicy", "in")
    assert soon(lambda: reaches(own_lab, THERE, "away", url))


def test_what_a_policy_does_not_allow_out_is_denied_the_node_and_its_api_too(own_lab: Lab) -> None:
    inner, outer = (f"http://{address(own_lab, *who)}:8080" for who in ((HERE, "one"), (THERE, "away")))
    api = f"https://{own_lab.node_ip}:6443/healthz"
    there = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": THERE}}}
    names = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]}
    ports = [{"port": 53, "protocol": each} for each in ("UDP", "TCP")]
    rules = [{"to": [there], "ports": [{"port": 8000, "endPort": 8100}]}, {**names, "ports": ports}]
    own_lab.apply(policy("out", podSelector={"matchLabels": {"name": "two"}}, policyTypes=["Egress"], egress=rules))
    assert soon(lambda: not reaches(own_lab, HERE, "two", inner))
    assert reaches(own_lab, HERE, "two", outer)
    assert run(own_lab, HERE, "two", "lookup", "kubernetes.default.svc.cluster.local") == "10.96.0.1"
    for closed in (api, "https://kubernetes.default.svc.cluster.local/healthz"):
        with pytest.raises(CommandError, match=r"Client\.Timeout|i/o timeout|deadline"):
            run(own_lab, HERE, "two", "get", closed)
    own_lab.kubectl("-n", HERE, "delete", "networkpolicy", "out")


def test_a_policy_of_addresses_allows_them_less_its_exceptions(own_lab: Lab) -> None:
    near, far = (address(own_lab, *who) for who in ((HERE, "two"), (THERE, "away")))
    url = f"http://{address(own_lab, HERE, 'one')}:8080"
    block = {"ipBlock": {"cidr": "10.244.0.0/16", "except": [f"{far}/32"]}}
    own_lab.apply(policy("block", podSelector={}, policyTypes=["Ingress"], ingress=[{"from": [block]}]))
    assert soon(lambda: not reaches(own_lab, THERE, "away", url)), near
    assert reaches(own_lab, HERE, "two", url)
    own_lab.kubectl("-n", HERE, "delete", "networkpolicy", "block")


def test_an_image_of_podmans_is_known_to_the_node_by_its_digest(own_lab: Lab) -> None:
    subprocess.run(["podman", "load", "-q", "-i", own_lab.tools.images / "probe.tar"], check=True, capture_output=True)
    name = "localhost/somahub-lab/carried:1"
    subprocess.run(["podman", "tag", PROBE, name], check=True)
    try:
        (reference,) = own_lab.load(name)
    finally:
        subprocess.run(["podman", "rmi", name, PROBE], check=False, capture_output=True)
    assert reference.startswith("localhost/somahub-lab/carried@sha256:")
    assert {name, reference} <= own_lab.images().keys()
    own_lab.apply(pod("carried", HERE, image=reference))
    ready(own_lab, HERE, "carried")


def test_nodes_that_are_played_hold_as_many_pods_with_a_gpu_as_they_have_gpus(
    own_lab: Lab, play_nodes: Callable[[int, int], list[str]]
) -> None:
    assert len(play_nodes(10, 4)) == 10
    asks = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
    there: dict[str, Any] = {"nodeSelector": fake_nodes.LABEL, "tolerations": [fake_nodes.TAINT]}
    own_lab.apply(*(pod(f"load-{n}", THERE, labels={"load": "gpu"}, container=asks, **there) for n in range(41)))

    def phases() -> list[str]:
        return sorted(each["status"]["phase"] for each in own_lab.get("-n", THERE, "pods", "-l", "load=gpu")["items"])

    assert soon(lambda: phases() == ["Pending", *["Running"] * 40]), phases()
    own_lab.kubectl("-n", THERE, "delete", "pods", "-l", "load=gpu", "--wait=false")
