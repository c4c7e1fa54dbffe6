"""Secrets are made once, alike wherever they are asked for, and kept."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.chart.answers import a_cluster
from tests.chart.charts import GATEWAY, Rendered, merge, render

TOKENS = {
    "hub.config.ConfigurableHTTPProxy.auth_token",
    "hub.config.JupyterHub.cookie_secret",
    "hub.config.CryptKeeper.keys",
    "hub.services.somahub.apiToken",
}
GATEWAYS = "hub.services.dask-gateway.apiToken"


def _ours(rendered: Rendered) -> dict[str, str]:
    data: dict[str, str] = rendered.one("Secret", "somahub-secrets")["stringData"]
    return data


def _hubs(rendered: Rendered) -> dict[str, str]:
    data = rendered.one("Secret", "hub")["data"]
    return {key: base64.b64decode(text).decode() for key, text in data.items() if key in TOKENS}


def _restarts(rendered: Rendered) -> dict[str, Any]:
    """What makes pods new when it changes."""
    return {name: template["metadata"].get("annotations") for name, template in rendered.pods().items()}


def test_the_secret_has_what_the_hub_the_services_and_the_first_administrator_need(own: Rendered) -> None:
    """All keys that Zero-to-JupyterHub reads from an existing secret; 256 bits each, and a password to type."""
    ours = _ours(own)
    assert set(ours) == {*TOKENS, "admin.password"}
    assert all(len(bytes.fromhex(ours[key])) == 32 for key in TOKENS)
    assert len(ours["admin.password"]) == 20
    assert len(set(ours.values())) == len(ours)


def test_another_installation_has_other_secrets(own_chart: Path) -> None:
    """Nothing of them is fixed."""
    first, second = _ours(render(own_chart)), _ours(render(own_chart))
    assert all(first[key] != second[key] for key in first)


def test_secrets_and_volumes_of_accounts_outlive_the_release(own: Rendered) -> None:
    """`helm uninstall` leaves the Secret."""
    assert own.one("Secret", "somahub-secrets")["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_an_upgrade_makes_the_same_objects_again(own_chart: Path) -> None:
    """What the cluster has is taken, to the letter; so no pod is made anew."""
    first = render(own_chart)
    with a_cluster({"somahub-secrets": _ours(first)}) as cluster:
        upgrades = [render(own_chart, cluster=cluster) for _ in range(2)]
    assert [upgrade.objects for upgrade in upgrades] == [first.objects] * 2


def test_a_service_that_is_added_later_gets_a_token_and_the_others_keep_theirs(own_chart: Path) -> None:
    """One new key."""
    first = _ours(render(own_chart))
    report = {"jupyterhub": {"hub": {"services": {"report": {"display": False}}}}}
    with a_cluster({"somahub-secrets": first}) as cluster:
        second = _ours(render(own_chart, report, cluster=cluster))
    assert second.pop("hub.services.report.apiToken")
    assert second == first


def test_a_zero_to_jupyterhub_that_was_there_before_keeps_its_log_ins(own_chart: Path) -> None:
    """Cookies and encrypted states of an installation without somahub are still read."""
    before = {key: key[::-1] for key in TOKENS if "somahub" not in key}
    with a_cluster({"hub": before}) as cluster:
        assert before.items() <= _ours(render(own_chart, cluster=cluster)).items()


def test_what_the_values_say_stands_above_what_was_made(own_chart: Path) -> None:
    """An operator's own token, cookie secret and keys."""
    own = {
        "services": {"somahub": {"apiToken": "t"}},
        "cookieSecret": "c" * 64,
        "config": {"CryptKeeper": {"keys": ["a", "b"]}, "ConfigurableHTTPProxy": {"auth_token": "p"}},
    }
    with a_cluster({"somahub-secrets": dict.fromkeys({*TOKENS, GATEWAYS}, "kept")}) as cluster:
        ours = _ours(render(own_chart, merge(GATEWAY, {"jupyterhub": {"hub": own}}), cluster=cluster))
    tokens = ("services.somahub.apiToken", "config.ConfigurableHTTPProxy.auth_token")
    keys = ("config.JupyterHub.cookie_secret", "config.CryptKeeper.keys")
    assert [ours[f"hub.{key}"] for key in (*tokens, *keys)] == ["t", "p", "c" * 64, "a;b"]
    assert ours[GATEWAYS] == "kept"


def test_the_hubs_own_secret_has_the_same(whole: Rendered) -> None:
    """The proxy reads its token from one Secret and the hub the others from the other: they agree from the start."""
    ours = _ours(whole)
    assert _hubs(whole) == {key: ours[key] for key in TOKENS}


def test_dask_gateway_gets_a_token_where_it_is_on(own_chart: Path) -> None:
    """And no other key."""
    assert set(_ours(render(own_chart, GATEWAY))) == {*TOKENS, GATEWAYS, "admin.password"}


def test_the_first_upgrade_restarts_nothing(whole_chart: Path) -> None:
    """Checksums of secrets on the pods of hub, proxy and service are those of the first installation."""
    first = render(whole_chart)
    with a_cluster({"somahub-secrets": _ours(first), "hub": _hubs(first)}) as cluster:
        upgrade = render(whole_chart, cluster=cluster)
    assert _restarts(upgrade) == _restarts(first)
    assert {"Deployment/hub", "Deployment/proxy", "Deployment/somahub-service"} <= set(_restarts(first))
    assert upgrade.objects == first.objects


def test_reinstalling_over_what_was_kept_takes_it(whole_chart: Path) -> None:
    """After `helm uninstall` the hub's own Secret is gone; passwords and cookies stay."""
    first = render(whole_chart)
    with a_cluster({"somahub-secrets": _ours(first)}) as cluster:
        again = render(whole_chart, cluster=cluster)
    assert again.objects == first.objects


def test_accounts_outlive_the_release(whole: Rendered) -> None:
    """The hub's volume, with accounts and the ledger, stays at `helm uninstall`."""
    claim = whole.one("PersistentVolumeClaim", "hub-db-dir")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_no_secret_stands_outside_a_secret(whole_chart: Path) -> None:
    """Neither in a ConfigMap nor in a pod's specification."""
    rendered = render(whole_chart, GATEWAY)
    secrets = set(_ours(rendered).values())
    open_to_see = str([made for made in rendered.objects if made["kind"] != "Secret"])
    assert not [text for text in secrets if text in open_to_see]
