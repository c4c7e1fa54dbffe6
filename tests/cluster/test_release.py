"""What an operator does with a release: upgrade it, change its documents, ask it whether its walls hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import until, visiting
from tests.cluster import release
from tests.cluster.deployed import Deployed
from tests.cluster.lab import Cluster, CommandError
from tests.cluster.release import Chart

TYPO = """
profiles:
  notebook.yaml: |
    name: notebook
    title: Notebook
    description: With a slip of the pen.
    app: notebook
    opens: notebook
    hardware: {choices: [smal], default: smal}
"""
OTHER = "profiles: {napari.yaml: ''}\n"


def start(deployed: Deployed, name: str) -> None:
    """Have the hub start a notebook for somebody, as a script of theirs would."""
    deployed.person(name)
    deployed.ask("POST", f"/users/{name}")
    asked = deployed.ask("POST", f"/users/{name}/servers/notebook", {"profile": "notebook", "hardware": "small"})
    assert asked.status_code in (201, 202), asked.text


def ready(deployed: Deployed, name: str) -> bool:
    servers: dict[str, Any] = deployed.ask("GET", f"/users/{name}").json()["servers"]
    return bool(servers.get("notebook", {}).get("ready"))


def stop(deployed: Deployed, name: str) -> None:
    deployed.ask("DELETE", f"/users/{name}/servers/notebook")
    until(lambda: not deployed.pods(person=name), 60)


def secrets(deployed: Deployed) -> Any:
    return deployed.ask_cluster("get", "secret", "somahub-secrets")["data"]


def test_a_bad_profile_is_refused_before_anything_changes(
    lab: Cluster, chart: Chart, images: Path, deployed: Deployed, tmp_path: Path
) -> None:
    (hub,) = deployed.pods(component="hub")
    (tmp_path / "typo.yaml").write_text(TYPO)
    with pytest.raises(CommandError) as refused:
        release.install(lab, chart, images, "-f", str(tmp_path / "typo.yaml"))
    assert "notebook.yaml:6: hardware.choices[0]: is no hardware" in str(refused.value), refused.value
    assert "small" in str(refused.value)
    assert deployed.pods(component="hub")[0]["metadata"]["uid"] == hub["metadata"]["uid"]


def test_new_documents_are_taken_up_while_sessions_go_on_and_no_secret_changes(
    lab: Cluster, chart: Chart, images: Path, deployed: Deployed, tmp_path: Path
) -> None:
    start(deployed, "gina")
    until(lambda: ready(deployed, "gina"), 120)
    before, (pod,) = secrets(deployed), deployed.pods(person="gina")
    (tmp_path / "other.yaml").write_text(OTHER)
    release.install(lab, chart, images, "-f", str(tmp_path / "other.yaml"))

    def offered() -> str:
        return deployed.kubectl("exec", "deploy/somahub-service", "--", "ls", "/etc/somahub/profiles")

    until(lambda: "napari" not in offered(), 120)
    # The hub looks at its documents, and starts anew with other ones.
    until(lambda: deployed.pods(component="hub")[0]["status"]["containerStatuses"][0]["restartCount"], 150)
    until(deployed.answers, 60)
    assert secrets(deployed) == before
    assert deployed.pods(person="gina")[0]["metadata"]["uid"] == pod["metadata"]["uid"]
    until(lambda: ready(deployed, "gina"), 30)
    stop(deployed, "gina")
    release.install(lab, chart, images)


def test_a_start_that_the_hub_did_not_live_to_see_is_found(deployed: Deployed) -> None:
    until(deployed.answers, 60)
    start(deployed, "hana")
    until(lambda: deployed.pods(person="hana"), 30)
    deployed.kill("hub")
    until(lambda: not deployed.answers(), 10)
    until(deployed.answers, 60)
    until(lambda: ready(deployed, "hana"), 60)
    until(lambda: deployed.facts("hana"), 90)
    stop(deployed, "hana")
    until(lambda: [fact["kind"] for fact in deployed.facts("hana")] == ["session.started", "session.stopped"], 90)


def test_a_start_whose_pod_is_taken_away_ends(deployed: Deployed) -> None:
    start(deployed, "hugo")
    until(lambda: deployed.pods(person="hugo"), 30)
    deployed.kubectl("delete", "pod", deployed.pod("hugo"), "--grace-period=0", "--force")
    until(lambda: not deployed.ask("GET", "/users/hugo").json()["servers"], 20)
    assert [fact["kind"] for fact in deployed.facts("hugo")] in ([], ["session.started", "session.stopped"])


def test_the_cluster_is_asked_whether_its_walls_hold(lab: Cluster, deployed: Deployed) -> None:
    said = lab.helm("test", "somahub", "-n", deployed.namespace, "--logs")
    assert "Phase:          Succeeded" in said, said


def test_the_services_page_shows_a_persons_sessions(browser: Browser, deployed: Deployed) -> None:
    with visiting(browser, deployed) as visit:
        ines = visit("ines")
        ines.log_in()
        ines.start("notebook")
        ines.page.goto(f"{deployed.url}/services/somahub/")
        expect(ines.page.locator("main")).to_contain_text("Notebook")
        ines.keep("cluster-service")


@pytest.mark.usefixtures("real_chart")
def test_the_hub_is_zero_to_jupyterhubs_with_our_two_lines(deployed: Deployed) -> None:
    assert deployed.ask_cluster("get", "deployment", "hub")["metadata"]["labels"]["helm.sh/chart"] == "jupyterhub-4.4.0"
    logs = deployed.kubectl("logs", "deploy/hub")
    assert "Loading extra config: somahub" in logs


@pytest.mark.usefixtures("real_chart")
def test_dask_gateways_chart_renders_beside_it(lab: Cluster, chart: Chart, images: Path) -> None:
    words = ["template", "somahub", str(chart.folder), "-f", str(images), "-f", str(chart.folder / "dask-gateway.yaml")]
    assert "api-somahub-dask-gateway" in lab.helm(*words, "--kube-version", "1.36.0")
