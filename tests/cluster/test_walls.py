"""Two people on one cluster reach nothing of each other, and nothing of the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import visiting
from tests.cluster.deployed import Deployed

PYTHON = "/opt/somahub/session/bin/python"
# Says `open` where a connection is made, else why not.
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("open")
except OSError as error:
    print(f"closed: {error}")
"""
ASK = """
import os, sys, urllib.request
request = urllib.request.Request(os.environ["JUPYTERHUB_API_URL"] + sys.argv[2], method=sys.argv[1])
request.add_header("Authorization", "token " + os.environ["JUPYTERHUB_API_TOKEN"])
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.fixture(scope="module")
def people(browser: Browser, deployed: Deployed) -> Iterator[None]:
    """Cora and Dan, each with a notebook that runs."""
    with visiting(browser, deployed) as visit:
        for name in ("cora", "dan"):
            visitor = visit(name)
            visitor.log_in()
            visitor.start("notebook")
        yield


pytestmark = pytest.mark.usefixtures("people")


def knocks(deployed: Deployed, address: str, port: int) -> str:
    return deployed.inside("dan", PYTHON, "-c", KNOCK, address, str(port)).strip()


def address(pod: dict[str, Any]) -> str:
    return str(pod["status"]["podIP"])


def test_a_session_does_not_reach_anothers_server(deployed: Deployed) -> None:
    (cora,), (dan,) = deployed.pods(person="cora"), deployed.pods(person="dan")
    # Its own answers, so it is not that nothing listens.
    assert knocks(deployed, address(dan), 8888) == "open"
    assert knocks(deployed, address(cora), 8888).startswith("closed")


@pytest.mark.parametrize(
    ("component", "port"),
    [("proxy", 8001), ("hub", 22)],
)
def test_of_the_release_a_session_reaches_the_hubs_api_and_nothing_else(
    deployed: Deployed, component: str, port: int
) -> None:
    (hub,), (pod,) = deployed.pods(component="hub"), deployed.pods(component=component)
    assert knocks(deployed, address(hub), 8081) == "open"
    assert knocks(deployed, address(pod), port).startswith("closed")


def test_a_session_does_not_reach_the_clouds_metadata_nor_the_cluster_nor_its_node(deployed: Deployed) -> None:
    api = deployed.ask_cluster("get", "service", "kubernetes", "-n", "default")["spec"]["clusterIP"]
    node = deployed.pods(person="dan")[0]["status"]["hostIP"]
    for place, port in (("169.254.169.254", 80), (api, 443), (node, 6443), (node, 10250), (node, 2379)):
        assert knocks(deployed, place, port).startswith("closed"), (place, port)


def test_a_session_holds_no_key_to_the_cluster(deployed: Deployed) -> None:
    assert deployed.inside("dan", "find", "/var/run/secrets", "-type", "f").strip() == ""
    environment = deployed.inside("dan", "cat", "/proc/1/environ")
    for key in deployed.ask_cluster("get", "secret", "somahub-secrets")["data"]:
        assert deployed.secret("somahub-secrets", key) not in environment, key


def test_a_sessions_token_is_of_that_session_alone(deployed: Deployed) -> None:
    def asks(method: str, path: str) -> str:
        return deployed.inside("dan", PYTHON, "-c", ASK, method, path).strip()

    assert asks("GET", "/user") == "200"
    for method, path in (
        ("GET", "/users"),
        ("GET", "/users/cora"),
        ("DELETE", "/users/cora/servers/notebook"),
        ("POST", "/users/dan/servers/napari"),
        ("GET", "/proxy"),
        ("POST", "/users/dan/tokens"),
    ):
        assert asks(method, path) in ("403", "404"), (method, path)
    assert deployed.pods(person="cora")


def test_a_person_is_not_let_into_anothers_session(browser: Browser, deployed: Deployed) -> None:
    with visiting(browser, deployed) as visit:
        eve = visit("eve")
        eve.log_in()
        for place in ("", "lab", "somahub/desktop", "api/contents"):
            answer = eve.page.goto(f"{deployed.url}/user/cora/notebook/{place}")
            assert answer is not None
            assert answer.status in (403, 404), place


def test_a_session_is_an_ordinary_user_without_a_way_to_more(deployed: Deployed) -> None:
    (pod,) = deployed.pods(person="dan")
    (container,) = pod["spec"]["containers"]
    assert not pod["spec"].get("initContainers")
    assert deployed.inside("dan", "id", "-u").strip() == "1000"
    status = deployed.inside("dan", "cat", "/proc/self/status")
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(said["CapBnd"], 16) == int(said["CapEff"], 16) == 0
    assert said["NoNewPrivs"] == "1"
    assert said["Seccomp"] == "2"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_namespace_refuses_whatever_has_more_rights(deployed: Deployed) -> None:
    labels = deployed.ask_cluster("get", "namespace", deployed.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_homes_are_volumes_of_their_own(deployed: Deployed) -> None:
    def claims(person: str) -> set[str]:
        volumes = deployed.pods(person=person)[0]["spec"]["volumes"]
        return {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}

    assert claims("cora") == {"claim-cora"}
    assert claims("dan") == {"claim-dan"}


def test_no_secret_is_in_a_log(deployed: Deployed) -> None:
    logs = deployed.kubectl("logs", "deploy/hub") + deployed.kubectl("logs", "deploy/proxy")
    secrets = deployed.ask_cluster("get", "secret", "somahub-secrets")["data"]
    for key in secrets:
        assert deployed.secret("somahub-secrets", key) not in logs, key
    for password in deployed.people.values():
        assert password not in logs


def test_a_link_starts_nothing(deployed: Deployed) -> None:
    answer = httpx.get(f"{deployed.url}/hub/spawn/dan/napari?profile=napari&hardware=small", timeout=10)
    assert answer.status_code in (302, 401, 403)
    servers = json.loads(deployed.ask("GET", "/users/dan").text)["servers"]
    assert set(servers) == {"notebook"}
