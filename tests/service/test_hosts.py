"""The service behind a hub where each person, and the service too, has a host name."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from somahub.accounts import admin
from tests.hub.a_hub import Browser, until
from tests.service.a_service import PREFIX, ServedHub, Service, token
from tests.somahub_under_test import free_ports

DOMAIN = "neuro.lab.test"


class Here(httpx.HTTPTransport):
    """Finds every host on this machine, as a wildcard DNS record would."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1")
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        return super().handle_request(sent)


@pytest.fixture
def ada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Somebody's browser, logged in at such a hub, whose address it starts from."""
    ports = free_ports(4)
    hub = ServedHub(tmp_path_factory.mktemp("hosts"), ports[0], ports[1], ports[2])
    hub.service_port = ports[3]
    hub.write()
    config = hub.folder / "jupyterhub_config.py"
    address = f"http://{DOMAIN}:{hub.port}"
    config.write_text(f'{config.read_text()}c.JupyterHub.subdomain_host = "{address}"\n')
    admin.first(hub.settings)
    service = Service(hub, hub.service_port)
    back = f"http://somahub--service.{DOMAIN}:{hub.port}{PREFIX}oauth_callback"
    try:
        service.launch(JUPYTERHUB_HOST=address, JUPYTERHUB_OAUTH_CALLBACK_URL=back)
        hub.start()
        browser = Browser(hub)
        browser.client = httpx.Client(
            base_url=address, transport=Here(), headers={"Sec-Fetch-Mode": "navigate"}, follow_redirects=True
        )
        assert browser.log_in("ada", hub.add("ada")).url.path == "/hub/home"
        yield browser
    finally:
        if service.process:
            service.stop()
        hub.stop()


def test_a_person_is_led_to_the_hubs_host_and_back_and_to_sessions_on_their_own(ada: Browser) -> None:
    """By a browser's log-in, and by a token."""
    own = ada.client.base_url.copy_with(host=f"somahub--service.{DOMAIN}")
    page = ada.client.get(own.join(PREFIX))
    assert (page.status_code, page.url.host) == (200, own.host)
    assert f'href="{str(ada.client.base_url).rstrip("/")}/hub/home"' in page.text
    assert f'href="{own.join(PREFIX)}">API</a>' in ada.get("/hub/token").text

    headers = {"Authorization": f"token {token(ada, 'ada')}"}
    asked = {"profile": "napari", "hardware": "small"}
    started = ada.client.post(own.join(f"{PREFIX}api/sessions"), json=asked, headers=headers)
    address = httpx.URL(started.json()["address"])
    assert (address.host, address.path) == (f"ada.{DOMAIN}", "/user/ada/napari/")
    one = own.join(f"{PREFIX}api/sessions/napari")
    until(lambda: ada.client.get(one, headers=headers).json().get("state") == "running", "the session runs")
    assert ada.client.get(address).status_code == 200
    assert ada.client.delete(one, headers=headers).status_code in (202, 204)
