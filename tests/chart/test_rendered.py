"""What an installation consists of: the documents as they are, the hub's two lines, the check before any change."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.utils import subdomain_hook_idna
from ruamel.yaml import YAML

from somahub import catalog
from tests.chart.charts import APPS, CHART, GATEWAY, GIVEN, NAMESPACE, ROOT, Rendered, nested, render

PROFILES = ROOT / "spawner_profiles"
SUBDOMAINS = "jupyterhub.hub.config.JupyterHub.subdomain_host"


def _profiles(rendered: Rendered, name: str = "somahub-profiles") -> dict[str, str]:
    data: dict[str, str] = rendered.one("ConfigMap", name)["data"]
    return data


def test_the_documents_are_those_of_the_checkout_to_the_letter(own: Rendered) -> None:
    """Prices, hardware and profiles: one place to change them, for both tiers."""
    assert _profiles(own) == {file.name: file.read_text() for file in PROFILES.glob("*.yaml")}


def test_values_put_a_document_in_place_of_the_charts_beside_them_or_leave_one_out(own_chart: Path) -> None:
    """File by file."""
    mine = {"hardware.yaml": "# mine\n", "sleap.yaml": "name: sleap\n", "napari.yaml": ""}
    documents = _profiles(render(own_chart, {"profiles": mine}))
    assert documents["hardware.yaml"] == "# mine\n"
    assert documents["sleap.yaml"] == "name: sleap\n"
    assert "napari.yaml" not in documents
    assert documents["notebook.yaml"] == (PROFILES / "notebook.yaml").read_text()


def test_what_is_mounted_is_a_catalogue_without_fault(own: Rendered, tmp_path: Path) -> None:
    """By the hub's own check, with the apps that have an image."""
    for name, text in _profiles(own).items():
        (tmp_path / name).write_text(text)
    assert catalog.check_lines(tmp_path, frozenset(APPS)) == []


def test_the_hub_is_told_of_its_cluster(own_chart: Path) -> None:
    """apps, autoscaling and startMinutes, and nothing else."""
    rendered = render(own_chart, {"autoscaling": True, "startMinutes": 45})
    text = rendered.one("ConfigMap", "somahub")["data"]["cluster.yaml"]
    assert YAML(typ="safe").load(text) == {"apps": GIVEN["apps"], "autoscaling": True, "startMinutes": 45}


def test_new_documents_are_checked_by_the_new_hub_before_anything_changes(own: Rendered) -> None:
    """A hook that comes first, with the new documents beside it; where it fails, helm shows what it said."""
    job = own.one("Job", "somahub-check")
    notes = job["metadata"]["annotations"]
    assert notes["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert notes["helm.sh/hook-output-log-policy"] == "hook-failed"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["somahub", "profiles", "check", "/etc/somahub/profiles"]
    assert container["image"] == "registry.test/somahub-hub:1"
    assert job["spec"]["backoffLimit"] == 0
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in job["spec"]["template"]["spec"]["volumes"]}
    assert volumes == {"cluster": "somahub-check", "profiles": "somahub-check-profiles"}
    for name in volumes.values():
        made = own.one("ConfigMap", name)["metadata"]["annotations"]
        assert made["helm.sh/hook"] == notes["helm.sh/hook"]
        assert int(made["helm.sh/hook-weight"]) < int(notes["helm.sh/hook-weight"])
    assert _profiles(own, "somahub-check-profiles") == _profiles(own)
    assert own.one("ConfigMap", "somahub-check")["data"] == own.one("ConfigMap", "somahub")["data"]


@pytest.mark.parametrize("values", [nested("startMinutes", 21), nested("profiles", {"napari.yaml": ""})], ids=str)
def test_new_documents_reach_the_service_by_new_pods(own_chart: Path, own: Rendered, values: dict[str, Any]) -> None:
    """It reads them once, as it starts."""
    key = "checksum/documents"
    before, after = (
        made.pods()["Deployment/somahub-service"]["metadata"]["annotations"][key]
        for made in (own, render(own_chart, values))
    )
    assert before != after


def test_the_service_asks_the_hub_who_somebody_is(own: Rendered) -> None:
    """By a token of its own, which stands in the Secret alone."""
    (container,) = own.pods()["Deployment/somahub-service"]["spec"]["containers"]
    env = {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}
    assert env["JUPYTERHUB_API_TOKEN"] == {
        "secretKeyRef": {"name": "somahub-secrets", "key": "hub.services.somahub.apiToken"}
    }
    assert env["JUPYTERHUB_API_URL"] == "http://hub:8081/hub/api"


def test_with_a_host_for_each_person_the_service_knows_its_own_and_the_hubs(own_chart: Path) -> None:
    """As JupyterHub names them."""
    values = nested(SUBDOMAINS, "https://neuro.lab.test:8443")
    (container,) = render(own_chart, values).pods()["Deployment/somahub-service"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    host = subdomain_hook_idna("somahub", "neuro.lab.test", "service")
    assert env["JUPYTERHUB_HOST"] == "https://neuro.lab.test:8443"
    assert env["JUPYTERHUB_OAUTH_CALLBACK_URL"] == f"https://{host}:8443/services/somahub/oauth_callback"


def test_the_walls_are_asked_from_where_a_session_stands(own: Rendered, whole: Rendered) -> None:
    """`helm test`'s pod has the labels by which sessions' policies find sessions."""
    labels = own.pods()["Pod/somahub-walls"]["metadata"]["labels"]
    for name in ("singleuser", "somahub-sessions"):
        selector = whole.one("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"]
        assert selector.items() <= labels.items()
    assert own.one("Pod", "somahub-walls")["metadata"]["annotations"]["helm.sh/hook"] == "test"


def test_notes_say_address_password_next_step_and_what_is_open(own_chart: Path) -> None:
    """The first page that an operator reads."""
    notes = render(own_chart).notes
    assert "kubectl -n lab get secret somahub-secrets -o jsonpath='{.data.admin\\.password}'" in notes
    assert "port-forward service/proxy-public" in notes
    assert "helm test somahub -n lab --logs" in notes
    assert "without encryption" in notes
    assert "one site" in notes
    assert "one site" not in render(own_chart, nested(SUBDOMAINS, "https://neuro.lab.test")).notes
    assert "pod-security.kubernetes.io/enforce=restricted" in notes
    port = {"type": "NodePort", "nodePorts": {"http": 30080}}
    assert "http://ADDRESS-OF-A-NODE:30080/" in render(own_chart, nested("jupyterhub.proxy.service", port)).notes
    ingress = {"enabled": True, "hosts": ["soma.example.org"], "tls": [{"hosts": ["soma.example.org"]}]}
    behind = render(own_chart, nested("jupyterhub.ingress", ingress)).notes
    assert "https://soma.example.org/" in behind
    assert "without encryption" not in behind
    assert "enforce=baseline" in render(own_chart, GATEWAY).notes


def test_nothing_of_ours_is_rendered_as_nothing(own: Rendered) -> None:
    """A ``null`` in a manifest is a default that nobody chose."""

    def nothings(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            return [found for key, each in value.items() for found in nothings(each, f"{path}.{key}")]
        if isinstance(value, list):
            return [found for n, each in enumerate(value) for found in nothings(each, f"{path}[{n}]")]
        return [path] if value is None else []

    assert [path for made in own.objects for path in nothings(made, made["kind"])] == []


def test_pull_secrets_reach_our_pods_as_the_dependencys(own_chart: Path) -> None:
    """By name, or as in a pod; each once said."""
    values = nested("jupyterhub.imagePullSecrets", ["first", {"name": "second"}])
    for name, template in render(own_chart, values).pods().items():
        assert template["spec"]["imagePullSecrets"] == [{"name": "first"}, {"name": "second"}], name


def test_every_object_says_whose_it_is(own: Rendered) -> None:
    """Labels of the release on all, and a file for each kind of a component."""
    for made in own.objects:
        name, labels = made["metadata"]["name"], made["metadata"]["labels"]
        # The one that stands where a session stands, and must not be taken for one.
        assert ("app.kubernetes.io/part-of" in labels) is (made["kind"] != "Pod"), name
        assert "namespace" not in made["metadata"]
    for file in (CHART / "templates").glob("*/*.yaml"):
        assert re.fullmatch(r"[a-z-]+/[a-z]+", f"{file.parent.name}/{file.stem}"), file


def test_the_hub_has_our_configuration_in_two_lines(whole: Rendered) -> None:
    """The rest is in its image."""
    values = YAML(typ="safe").load(_decoded(whole.one("Secret", "hub")["data"]["values.yaml"]))
    code = values["hub"]["extraConfig"]
    assert code == {"somahub": "from somahub.cluster_config import configure\nconfigure(c)\n"}
    assert values["hub"]["config"]["JupyterHub"]["authenticator_class"] == "somahub"
    assert values["hub"]["allowNamedServers"] is True
    assert values["cull"]["enabled"] is False
    assert values["hub"]["services"]["somahub"]["url"] == "http://somahub-service:8080"
    assert values["singleuser"]["storage"]["dynamic"]["pvcNameTemplate"] == "claim-{username}"
    # No right of its own: it acts with the token of whoever asks it.
    assert not values["hub"].get("loadRoles")


def test_the_hub_finds_documents_accounts_and_secrets(whole: Rendered) -> None:
    """Mounted as folders, so that new documents reach it."""
    spec = whole.pods()["Deployment/hub"]["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "registry.test/somahub-hub:1"
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    env = {each["name"]: each.get("value") for each in container["env"]}

    def at(path: str) -> dict[str, Any]:
        mount = mounts[path]
        assert "subPath" not in mount
        source: dict[str, Any] = volumes[mount["name"]]
        return source

    assert at("/etc/somahub/cluster")["configMap"]["name"] == "somahub"
    assert at("/etc/somahub/profiles")["configMap"]["name"] == "somahub-profiles"
    assert at("/usr/local/etc/jupyterhub/existing-secret/")["secret"]["secretName"] == "somahub-secrets"
    assert at(env["SOMAHUB_DATA"])["persistentVolumeClaim"]["claimName"] == "hub-db-dir"
    assert env["SOMAHUB_CLUSTER"] == "/etc/somahub/cluster/cluster.yaml"
    assert env["SOMAHUB_PROFILES"] == "/etc/somahub/profiles"


def test_what_refers_to_a_name_names_what_is_there(whole_with_gateway: Rendered) -> None:
    """Secrets, ConfigMaps, accounts and claims of all pods; services that the hub proxies to."""
    there = {(made["kind"], made["metadata"]["name"]) for made in whole_with_gateway.objects}
    for name, template in whole_with_gateway.pods().items():
        spec = template["spec"]
        named = {("ServiceAccount", spec["serviceAccountName"])} if "serviceAccountName" in spec else set()
        for volume in spec.get("volumes", []):
            named |= {("ConfigMap", volume["configMap"]["name"])} if "configMap" in volume else set()
            named |= {("Secret", volume["secret"]["secretName"])} if "secret" in volume else set()
            claim = volume.get("persistentVolumeClaim")
            named |= {("PersistentVolumeClaim", claim["claimName"])} if claim else set()
        for container in spec["containers"]:
            for each in container.get("env", []):
                key = each.get("valueFrom", {}).get("secretKeyRef")
                if key:
                    secret = whole_with_gateway.one("Secret", key["name"])
                    assert key["key"] in {**secret.get("data", {}), **secret.get("stringData", {})}, name
        assert named <= there, name
    assert {("Service", "somahub-service"), ("Service", "traefik-somahub-dask-gateway")} <= there


def test_dashboards_of_batch_clusters_answer_nobody(whole_with_gateway: Rendered) -> None:
    """The gateway serves them without a log-in: a route that stands before them all refuses."""
    route = whole_with_gateway.one("IngressRoute", "somahub-no-dashboards")
    (rule,) = route["spec"]["routes"]
    assert rule["match"] == "PathPrefix(`/services/dask-gateway/clusters`)"
    assert rule["priority"] > 10_000
    assert rule["middlewares"] == [{"name": "somahub-nobody"}]
    nobody = whole_with_gateway.one("Middleware", "somahub-nobody")
    assert nobody["spec"]["ipAllowList"]["sourceRange"] == ["127.0.0.1/32"]
    gateways = whole_with_gateway.one("IngressRoute", "api-somahub-dask-gateway")
    same = "gateway.dask.org/instance"
    assert {made["metadata"]["labels"][same] for made in (route, nobody, gateways)} == {"somahub-dask-gateway"}


def test_without_dask_gateway_nothing_of_it_is_there(own: Rendered, whole: Rendered) -> None:
    """Off is off."""
    assert not [made for made in (*own.objects, *whole.objects) if "dask" in made["metadata"]["name"]]


def test_another_release_name_works_as_well(whole_chart: Path) -> None:
    """Names that others refer to do not change with it, and selectors do."""
    rendered = render(whole_chart, release="trial")
    pods = rendered.pods()
    service = rendered.one("NetworkPolicy", "somahub-service")["spec"]
    assert (
        service["podSelector"]["matchLabels"].items()
        <= pods["Deployment/somahub-service"]["metadata"]["labels"].items()
    )
    for peer, name in zip(service["ingress"][0]["from"], ("proxy", "hub"), strict=True):
        assert peer["podSelector"]["matchLabels"].items() <= pods[f"Deployment/{name}"]["metadata"]["labels"].items()
    assert NAMESPACE in rendered.notes


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
