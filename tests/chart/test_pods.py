"""Every pod keeps to Pod Security "restricted", and no right is wider than its work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chart.charts import GATEWAY, NAMESPACE, Rendered, merge, nested, render
from tests.chart.pod_security import violations

CORE = {
    "Deployment/hub",
    "Deployment/proxy",
    "Deployment/somahub-service",
    "Job/somahub-check",
    "Pod/somahub-walls",
}
# Dask Gateway's chart leaves no way to say it.
GATEWAYS_OWN = {f"Deployment/{part}-somahub-dask-gateway" for part in ("api", "controller", "traefik")}


def _rules(role: dict[str, Any]) -> set[tuple[str, str]]:
    """What a role allows, as (resource, verb)."""
    return {(what, verb) for rule in role["rules"] for what in rule["resources"] for verb in rule["verbs"]}


def test_our_own_pods_are_restricted(own: Rendered) -> None:
    """Service, check and walls."""
    pods = own.pods()
    assert set(pods) == CORE - {"Deployment/hub", "Deployment/proxy"}
    assert {name: found for name, template in pods.items() if (found := violations(template))} == {}


def test_every_pod_of_an_installation_is_restricted(whole: Rendered) -> None:
    """So its namespace can enforce it."""
    pods = whole.pods()
    assert set(pods) >= CORE
    assert {name: found for name, template in pods.items() if (found := violations(template))} == {}


def test_of_dask_gateway_its_own_three_pods_are_not(whole_with_gateway: Rendered) -> None:
    """The exception is named, and no wider; when it is gone, this says so."""
    broken = {name for name, template in whole_with_gateway.pods().items() if violations(template)}
    assert broken == GATEWAYS_OWN


def test_batch_clusters_pods_are_told_to_be_restricted(whole_with_gateway: Rendered) -> None:
    """What the gateway adds to schedulers and workers."""
    config = whole_with_gateway.one("ConfigMap", "api-somahub-dask-gateway")["data"]["dask_gateway_config.py"]
    for said in (r"\"allowPrivilegeEscalation\":false", r"\"runAsNonRoot\":true", r"\"drop\":[\"ALL\"]"):
        assert config.count(said) == 2, said
    assert "idle_timeout = 1800" in config


def test_a_tls_proxy_is_restricted_too(whole_chart: Path) -> None:
    """Let's Encrypt's pods, where an operator chooses them."""
    https = {"enabled": True, "hosts": ["soma.example.org"], "letsencrypt": {"contactEmail": "a@example.org"}}
    values = merge(nested("jupyterhub.proxy.https", https), nested("jupyterhub.rbac.create", True))
    pods = render(whole_chart, values).pods()
    assert "Deployment/autohttps" in pods
    assert not [name for name, template in pods.items() if violations(template)]


def test_only_who_speaks_with_kubernetes_holds_a_token(whole: Rendered) -> None:
    """The hub starts pods; nobody else has business there."""
    pods = whole.pods()
    accounts = {made["metadata"]["name"]: made for made in whole.of("ServiceAccount")}
    holding = set()
    for name, template in pods.items():
        spec = template["spec"]
        account = accounts.get(spec.get("serviceAccountName", "default"), {})
        if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
            holding.add(name)
    assert holding == {"Deployment/hub"}


def test_the_hub_may_start_and_stop_sessions_and_nothing_else(own: Rendered) -> None:
    """It reads no Secret, and deletes no volume."""
    role = own.one("Role", "somahub-hub")
    assert _rules(role) == {
        *(("pods", verb) for verb in ("get", "list", "watch", "create", "delete")),
        *(("persistentvolumeclaims", verb) for verb in ("get", "create")),
        *(("events", verb) for verb in ("list", "watch")),
    }
    (binding,) = own.of("RoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "hub", "namespace": NAMESPACE}]
    assert binding["roleRef"]["name"] == "somahub-hub"


def test_an_installation_has_no_right_beyond_its_namespace(whole: Rendered) -> None:
    """And one role in it."""
    assert [role["metadata"]["name"] for role in whole.of("Role")] == ["somahub-hub"]
    assert not whole.of("ClusterRole")
    assert not whole.of("ClusterRoleBinding")


def test_with_the_dependencys_roles_ours_is_not_there(whole_chart: Path) -> None:
    """One or the other binds the hub."""
    rendered = render(whole_chart, nested("jupyterhub.rbac.create", True))
    assert [role["metadata"]["name"] for role in rendered.of("Role")] == ["hub"]


def test_what_stands_above_namespaces_carries_namespace_and_release(whole_with_gateway: Rendered) -> None:
    """Two installations do not take each other's; and up there it reads, and writes nothing."""
    wide = [*whole_with_gateway.of("ClusterRole"), *whole_with_gateway.of("ClusterRoleBinding")]
    assert len(wide) == 6
    assert all(made["metadata"]["name"].startswith(f"{NAMESPACE}-somahub-dask-") for made in wide)
    for role in whole_with_gateway.of("ClusterRole"):
        assert {verb for _, verb in _rules(role)} <= {"get", "list", "watch"}
    kinds = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass", "StorageClass"}
    others = {made["kind"] for made in whole_with_gateway.objects} & (kinds - {"ClusterRole", "ClusterRoleBinding"})
    assert not others


def test_another_release_has_other_names_above_namespaces(whole_chart: Path) -> None:
    """The release is part of them."""
    rendered = render(whole_chart, GATEWAY, release="trial")
    assert {role["metadata"]["name"] for role in rendered.of("ClusterRole")} == {
        f"{NAMESPACE}-trial-dask-{part}" for part in ("api", "controller", "traefik")
    }


def test_no_pod_mounts_a_nodes_folder_or_runs_before_the_session_with_more_rights(whole: Rendered) -> None:
    """No privileged container that closes the metadata address, and no user scheduler, image puller or placeholder."""
    assert not [made for made in whole.objects if made["kind"] in ("DaemonSet",)]
    assert not [name for name, template in whole.pods().items() if template["spec"].get("initContainers")]
