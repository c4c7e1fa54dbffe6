"""A wrong value is refused in one clear line, before anything changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import GATEWAY, GIVEN, merge, nested, refusal, render

IMAGE = "does not match pattern '^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$'"
CODE = r"'from somahub.cluster_config import configure\nconfigure(c)\n'"
WAYS = "jupyterhub.singleuser.networkPolicy"
# A path, a wrong value for it, where helm's line says it is wrong, and what it says of it.
WRONG: list[tuple[str, Any, str, str]] = [
    ("app", {}, "", "additional properties 'app' not allowed"),
    ("apps", None, "", "missing property 'apps'"),
    ("apps", ["dlc"], "/apps", "got array, want object"),
    ("apps.DLC", {"image": "a:1"}, "/apps", "additional properties 'DLC' not allowed"),
    ("apps.dlc", "registry.test/dlc:1", "/apps/dlc", "got string, want object"),
    ("apps.sleap", {}, "/apps/sleap", "missing property 'image'"),
    ("apps.dlc.tag", "1", "/apps/dlc", "additional properties 'tag' not allowed"),
    ("apps.dlc.image", "", "/apps/dlc/image", f"'' {IMAGE}"),
    ("apps.dlc.image", "somahub-dlc", "/apps/dlc/image", f"'somahub-dlc' {IMAGE}"),
    ("apps.dlc.image", "dlc@sha256:12ab", "/apps/dlc/image", f"'dlc@sha256:12ab' {IMAGE}"),
    ("apps.dlc.image", "dlc:1 # new", "/apps/dlc/image", f"'dlc:1 # new' {IMAGE}"),
    ("apps.dlc.image", 1.2, "/apps/dlc/image", "got number, want string"),
    ("autoscaling", "yes", "/autoscaling", "got string, want boolean"),
    ("autoscaling", 1, "/autoscaling", "got number, want boolean"),
    ("startMinutes", 0, "/startMinutes", "minimum: got 0, want 1"),
    ("startMinutes", 1441, "/startMinutes", "maximum: got 1,441, want 1,440"),
    ("startMinutes", 2.5, "/startMinutes", "got number, want integer"),
    ("startMinutes", "20", "/startMinutes", "got string, want integer"),
    ("profiles", {"GPU.yml": "name: gpu"}, "/profiles", "additional properties 'GPU.yml' not allowed"),
    ("profiles", {"hardware.yaml": {"small": {}}}, "/profiles/hardware.yaml", "got object, want string"),
    ("sessions.internet", "no", "/sessions/internet", "got string, want boolean"),
    ("sessions.privateRanges", [], "/sessions", "additional properties 'privateRanges' not allowed"),
    ("sessions.closedRanges", "203.0.113.0/24", "/sessions/closedRanges", "got string, want array"),
    (
        "sessions.closedRanges",
        ["203.0.113.7"],
        "/sessions/closedRanges/0",
        "'203.0.113.7' does not match pattern '^[0-9a-f.:]+/[0-9]{1,3}$'",
    ),
    ("service.replicas", 3, "/service", "additional properties 'replicas' not allowed"),
    ("service.resources.limits.gpu", 1, "/service/resources/limits", "additional properties 'gpu' not allowed"),
    (
        "service.resources.limits.memory",
        "2 GB",
        "/service/resources/limits/memory",
        r"'2 GB' does not match pattern '^[0-9]+(\\.[0-9]+)?(Mi|Gi)$'",
    ),
    (
        "service.tolerations",
        [{"operator": "In"}],
        "/service/tolerations/0/operator",
        "value must be one of 'Exists', 'Equal'",
    ),
    ("service.nodeSelector", {"gpu": True}, "/service/nodeSelector/gpu", "got boolean, want string"),
    ("jupyterhub.hub.extraConfig.somahub", "pass", "/jupyterhub/hub/extraConfig/somahub", f"value must be {CODE}"),
    ("jupyterhub.hub.extraConfig", None, "/jupyterhub/hub", "missing property 'extraConfig'"),
    ("jupyterhub.hub.existingSecret", "mine", "/jupyterhub/hub/existingSecret", "value must be 'somahub-secrets'"),
    ("jupyterhub.hub.baseUrl", "/jupyter", "/jupyterhub/hub/baseUrl", "value must be '/'"),
    (
        "jupyterhub.hub.config.JupyterHub.subdomain_host",
        "neuro.lab.org",
        "/jupyterhub/hub/config/JupyterHub/subdomain_host",
        "'neuro.lab.org' does not match pattern '^(https?://[a-z0-9.-]+(:[0-9]+)?)?$'",
    ),
    ("jupyterhub.hub.db.type", "postgres", "/jupyterhub/hub/db/type", "value must be 'sqlite-pvc'"),
    (
        "jupyterhub.hub.services.somahub.url",
        "http://elsewhere",
        "/jupyterhub/hub/services/somahub/url",
        "value must be 'http://somahub-service:8080'",
    ),
    ("jupyterhub.hub.networkPolicy.enabled", False, "/jupyterhub/hub/networkPolicy/enabled", "value must be true"),
    ("jupyterhub.fullnameOverride", "lab", "/jupyterhub/fullnameOverride", "value must be ''"),
    ("jupyterhub.cull.enabled", True, "/jupyterhub/cull/enabled", "value must be false"),
    (
        "jupyterhub.proxy.service.type",
        "Public",
        "/jupyterhub/proxy/service/type",
        "value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'",
    ),
    (
        "jupyterhub.singleuser.profileList",
        [{"display_name": "Mine"}],
        "/jupyterhub/singleuser/profileList",
        "maxItems: got 1, want 0",
    ),
    ("jupyterhub.singleuser.uid", 0, "/jupyterhub/singleuser/uid", "value must be 1000"),
    (
        "jupyterhub.singleuser.storage.dynamic.pvcNameTemplate",
        "claim-{user_server}",
        "/jupyterhub/singleuser/storage/dynamic/pvcNameTemplate",
        r"'claim-{user_server}' does not match pattern '^(claim|home)-([a-z0-9]+-)*\\{username\\}$'",
    ),
    (
        "jupyterhub.singleuser.storage.dynamic.pvcNameTemplate",
        "{username}",
        "/jupyterhub/singleuser/storage/dynamic/pvcNameTemplate",
        r"'{username}' does not match pattern '^(claim|home)-([a-z0-9]+-)*\\{username\\}$'",
    ),
    (
        "jupyterhub.singleuser.storage.capacity",
        "10 GB",
        "/jupyterhub/singleuser/storage/capacity",
        "'10 GB' does not match pattern '^[1-9][0-9]*(Mi|Gi|Ti)$'",
    ),
    (
        "jupyterhub.singleuser.cloudMetadata.blockWithIptables",
        True,
        "/jupyterhub/singleuser/cloudMetadata/blockWithIptables",
        "value must be false",
    ),
    (f"{WAYS}.enabled", False, "/jupyterhub/singleuser/networkPolicy/enabled", "value must be true"),
    (
        f"{WAYS}.egressAllowRules.privateIPs",
        True,
        "/jupyterhub/singleuser/networkPolicy/egressAllowRules/privateIPs",
        "value must be false",
    ),
    (
        f"{WAYS}.egressAllowRules.cloudMetadataServer",
        None,
        "/jupyterhub/singleuser/networkPolicy/egressAllowRules",
        "missing property 'cloudMetadataServer'",
    ),
    ("dask-gateway.enabled", "on", "/dask-gateway/enabled", "got string, want boolean"),
    ("dask-gateway.gateway.auth.type", "simple", "/dask-gateway/gateway/auth/type", "value must be 'jupyterhub'"),
    (
        "dask-gateway.traefik.service.type",
        "LoadBalancer",
        "/dask-gateway/traefik/service/type",
        "value must be 'ClusterIP'",
    ),
]
# Refused by a template, in words, because a schema's line would not say what to do.
SAID: list[tuple[dict[str, Any], str]] = [
    (nested("apps", {}), "apps: no app has an image."),
    (nested("service.image", ""), "service.image: is empty."),
    (nested("jupyterhub.hub.image.tag", ""), "jupyterhub.hub.image: has no name or no tag."),
    (nested("profiles", {"gpu.yaml": ""}), "profiles: gpu.yaml is left out, but the chart has no such file. It has: "),
    (nested("jupyterhub.hub.extraVolumes", []), 'jupyterhub.hub.extraVolumes: has no "cluster".'),
    (nested("jupyterhub.hub.extraVolumeMounts", []), 'jupyterhub.hub.extraVolumeMounts: has no "cluster".'),
    (
        nested("jupyterhub.hub.config.JupyterHub.authenticator_class", "dummy"),
        "jupyterhub.hub.config.JupyterHub.authenticator_class: dummy lets anybody in as anybody.",
    ),
    (nested("dask-gateway.enabled", True), "dask-gateway.enabled: is true, but the hub does not know it."),
    (
        nested("jupyterhub.hub.services.dask-gateway", {}),
        "dask-gateway.enabled: is false, but the hub has it among jupyterhub.hub.services.",
    ),
    (
        nested("jupyterhub.hub.loadRoles.user", {"scopes": ["self"]}),
        'jupyterhub.hub.loadRoles: "user" is somahub\'s own role.',
    ),
    (
        nested("jupyterhub.scheduling.userScheduler.enabled", True),
        "jupyterhub.scheduling.userScheduler: is on, and needs a Role of its own.",
    ),
]


def _without_apps(values: dict[str, Any]) -> dict[str, Any]:
    """What an operator gives, with nothing under apps where the case is about that."""
    return {**GIVEN, "apps": {}} if values.get("apps") == {} else GIVEN


@pytest.mark.parametrize(("path", "value", "where", "rule"), WRONG, ids=[f"{case[0]}={case[1]!r}" for case in WRONG])
def test_a_wrong_value_is_one_line_with_its_place_and_its_rule(
    own_chart: Path, path: str, value: Any, where: str, rule: str
) -> None:
    """The line that helm prints names both."""
    assert refusal(own_chart, nested(path, value)) == [f"- at '{where}': {rule}"]


@pytest.mark.parametrize(("values", "said"), SAID, ids=[case[1] for case in SAID])
def test_what_a_schema_cannot_say_is_said_in_one_line(own_chart: Path, values: dict[str, Any], said: str) -> None:
    """Where, what and what to do."""
    (line,) = refusal(own_chart, values, given=_without_apps(values))
    assert line.startswith(said)


def test_without_the_images_it_says_how_to_have_them(own_chart: Path) -> None:
    """The first thing that somebody meets who installs it with nothing but the defaults."""
    (line,) = refusal(own_chart, {}, given={})
    what = "Build the images with `make images`, and add the values file that it writes with -f."
    assert line == f"apps: no app has an image. {what}"


def test_dask_gateway_turned_on_later_says_what_comes_first(own_chart: Path) -> None:
    """Helm installs a chart's new kinds with a first installation only."""
    (line,) = refusal(own_chart, GATEWAY, upgrade=True)
    assert line.startswith("dask-gateway.enabled: this cluster lacks its kinds. Run `helm show crds helm/somahub |")


def test_several_wrong_values_are_a_line_each(own_chart: Path) -> None:
    """Not the first one alone."""
    assert len(refusal(own_chart, {"startMinutes": 0, "autoscaling": "yes", "app": {}})) == 3


def test_a_misspelled_value_of_a_dependency_is_refused_by_its_own_schema(whole_chart: Path) -> None:
    """As far as those charts are strict, so is this one."""
    assert refusal(whole_chart, nested("jupyterhub.hub.imagee", 1)) == [
        "- at '/hub': additional properties 'imagee' not allowed"
    ]
    values = merge(GATEWAY, nested("dask-gateway.gateway.prefixx", "/"))
    assert refusal(whole_chart, values) == ["- at '/gateway': additional properties 'prefixx' not allowed"]


def test_a_dependencys_default_does_not_come_back_where_a_value_is_taken_away(whole_chart: Path) -> None:
    """``null`` takes this chart's value away, and the dependency's own default would stand in its place."""
    gone = nested(f"{WAYS}.egressAllowRules.nonPrivateIPs", None)
    where = "/jupyterhub/singleuser/networkPolicy/egressAllowRules"
    assert refusal(whole_chart, gone)[0].startswith(f"- at '{where}")
    assert refusal(whole_chart, nested("jupyterhub.cull.enabled", None))


RIGHT: list[dict[str, Any]] = [
    nested("apps.sleap.image", "localhost:5000/lab/somahub-sleap:2026.1"),
    nested("apps.sleap.image", f"r.test/sleap:1.0@sha256:{'a' * 64}"),
    nested("service.resources", {"requests": {"cpu": 0.5, "memory": "1.5Gi"}, "limits": {}}),
    nested("service.tolerations", [{"key": "core", "operator": "Exists", "effect": "NoSchedule"}]),
    nested("sessions.closedRanges", ["203.0.113.0/24", "2001:db8::/32"]),
    nested("jupyterhub.hub.image", {"name": "r.test/somahub-hub@sha256", "tag": "a" * 64}),
    nested("jupyterhub.hub.extraConfig.lab", "c.JupyterHub.log_level = 'DEBUG'"),
    nested("jupyterhub.proxy.service", {"type": "NodePort", "nodePorts": {"http": 30080}}),
    nested("jupyterhub.singleuser.networkPolicy.egress", [{"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}]}]),
    nested("jupyterhub.ingress", {"enabled": True, "hosts": ["soma.example.org"]}),
    nested("jupyterhub.imagePullSecrets", ["registry"]),
    nested("global.safeToShowValues", True),
]


@pytest.mark.parametrize("values", RIGHT, ids=str)
def test_what_operators_commonly_set_is_accepted(own_chart: Path, values: dict[str, Any]) -> None:
    """Strict is not narrow."""
    assert render(own_chart, values).objects
