"""The service behind a JupyterHub of its own, whose sessions are servers that only answer."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.hub.a_hub import PATIENCE, Browser, Hub, until

PROFILES = Path(__file__).parents[2] / "spawner_profiles"
PREFIX = "/services/somahub/"
# Else each request reads all of the machine's certificates, and there is no TLS here.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SECRET = "fedcba9876543210" * 4

# Beside the hub's own configuration. A start waits while the file `hold` is there, an end while `keep` is; there is no
# GPU.
MORE = """
c.JupyterHub.services.append({{
    "name": "somahub",
    "url": "http://127.0.0.1:{port}",
    "api_token": "{secret}",
    "oauth_no_confirm": True,
    "oauth_client_allowed_scopes": ["read:servers!user"],
    "timeout": 1,
}})
c.JupyterHub.services.append({{"name": "robot", "api_token": "{robot}"}})
c.JupyterHub.load_roles += [
    {{"name": "user", "scopes": ["self", "access:services!service=somahub"]}},
    {{"name": "robot", "services": ["robot"], "scopes": ["access:services!service=somahub", "read:servers"]}},
]
c.JupyterHub.tornado_settings["slow_spawn_timeout"] = 0
c.JupyterHub.tornado_settings["slow_stop_timeout"] = 0
async def held(name):
    import asyncio, pathlib
    while pathlib.Path("{folder}", name).exists():
        await asyncio.sleep(0.02)
async def before(spawner):
    from tornado import web
    await held("hold")
    if spawner.user_options.get("hardware") == "gpu":
        refused = web.HTTPError(503, log_message="No GPU is free")
        refused.jupyterhub_message = "No GPU is free: bob holds 1 GPU since 09:12 UTC"
        raise refused
c.Spawner.pre_spawn_hook = before
c.Spawner.post_stop_hook = lambda spawner: held("keep")
"""


class ServedHub(Hub):
    """A hub that has the service registered at ``service_port``."""

    service_port: int = 0
    robot: str = "0011223344556677" * 4

    def write(self) -> None:
        super().write()
        file = self.folder / "jupyterhub_config.py"
        more = MORE.format(port=self.service_port, secret=SECRET, robot=self.robot, folder=self.folder)
        file.write_text(file.read_text() + more)


@dataclass
class Service:
    """The service's process, and what people do with it. ``url`` is its address behind the proxy."""

    hub: ServedHub
    port: int
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.hub.url}{PREFIX}"

    @property
    def log(self) -> Path:
        return self.hub.folder / "service.log"

    def environment(self, **other: str) -> dict[str, str]:
        cluster = self.hub.folder / "cluster.yaml"
        # JSON is YAML.
        cluster.write_text(json.dumps({"apps": {name: {"image": f"somahub-{name}:1"} for name in APPS}}))
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTERHUB", "SOMAHUB"))},
            "JUPYTERHUB_API_TOKEN": SECRET,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.hub.hub_port}/hub/api",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "SOMAHUB_PROFILES": str(PROFILES),
            "SOMAHUB_CLUSTER": str(cluster),
            **other,
        }

    def launch(self, **other: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "somahub.service"], env=self.environment(**other), stdout=log, stderr=log
            )

    def wait(self) -> None:
        until(self._answers, f"the service answers; see {self.log}")

    def stop(self) -> int:
        """End it as Kubernetes does; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def browser(self, name: str) -> Browser:
        """Somebody's browser, logged in at the hub."""
        if name not in self.passwords:
            self.passwords[name] = self.hub.add(name)
        browser = Browser(self.hub)
        answer = browser.log_in(name, self.passwords[name])
        assert answer.status_code == 302, answer.text
        return browser

    def token(self, name: str, *scopes: str) -> str:
        """A token that somebody made on the hub's page: with all that they may do, or with these scopes alone."""
        if (name, *scopes) not in self.tokens:
            self.tokens[name, *scopes] = token(self.browser(name), name, *scopes)
        return self.tokens[name, *scopes]

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        """Ask the API by way of the proxy."""
        headers = {"Authorization": f"token {token}", **more.pop("headers", {})} if token else more.pop("headers", {})
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, verify=NO_TLS, **more)

    def straight(self, method: str, path: str, token: str = "") -> httpx.Response:
        """Ask the process itself."""
        headers = {"Authorization": f"token {token}"} if token else {}
        return httpx.request(
            method, f"http://127.0.0.1:{self.port}{PREFIX}{path}", headers=headers, timeout=30, verify=NO_TLS
        )

    def state(self, name: str, profile: str) -> str:
        """The state of somebody's session; nothing where there is none."""
        answer = self.ask("GET", f"api/sessions/{profile}", self.token(name))
        return str(answer.json()["state"]) if answer.status_code == 200 else ""

    def run(self, name: str, profile: str = "napari", hardware: str = "small") -> None:
        """Have somebody's session run."""
        asked = {"profile": profile, "hardware": hardware}
        answer = self.ask("POST", "api/sessions", self.token(name), json=asked)
        assert answer.status_code in (202, 409), answer.text
        until(lambda: self.state(name, profile) == "running", "the session runs")

    def end(self, name: str) -> None:
        """End all of somebody's sessions."""
        for one in self.ask("GET", "api/sessions", self.token(name)).json()["sessions"]:
            self.ask("DELETE", f"api/sessions/{one['profile']}", self.token(name))
        until(lambda: not self.ask("GET", "api/sessions", self.token(name)).json()["sessions"], "the sessions end")

    @contextmanager
    def waits(self, what: str) -> Iterator[None]:
        """Have starts (``hold``) or ends (``keep``) wait meanwhile."""
        file = self.hub.folder / what
        file.touch()
        try:
            yield
        finally:
            file.unlink()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return self.ask("GET", "health").status_code == 200
        except httpx.HTTPError:
            return False


APPS = ("dlc", "napari", "notebook")


def token(browser: Browser, name: str, *scopes: str) -> str:
    """Make a token on the hub's page, in the browser of whoever has that name."""
    page = re.search(r'xsrf_token: "([^"]+)"', browser.get("/hub/token").text)
    assert page
    wanted = {"note": "a test", "scopes": list(scopes)} if scopes else {"note": "a test"}
    headers = {"X-XSRFToken": page[1], "Sec-Fetch-Mode": "cors"}
    answer = browser.client.post(f"/hub/api/users/{name}/tokens", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])
