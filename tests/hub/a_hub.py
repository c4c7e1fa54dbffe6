"""A JupyterHub of its own with our accounts, and a server for sessions that only answers: for tests of log-ins."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from somahub.accounts import admin
from somahub.settings import Settings

TEMPLATES = Path(admin.__file__).parents[1] / "pages" / "templates"
PATIENCE = 60.0

CONFIGURATION = """
from somahub.accounts.authenticator import PasswordAuthenticator
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie"
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikFileProviderProxy.traefik_api_url = "http://127.0.0.1:{proxy_port}"
c.TraefikFileProviderProxy.traefik_api_username = "hub"
c.TraefikFileProviderProxy.traefik_api_password = "throw-away"
c.TraefikFileProviderProxy.static_config_file = "{folder}/static.toml"
c.TraefikFileProviderProxy.dynamic_config_file = "{folder}/rules.toml"
c.JupyterHub.authenticator_class = PasswordAuthenticator
c.PasswordAuthenticator.database = "sqlite:///{folder}/somahub.sqlite"
c.JupyterHub.template_paths = ["{templates}"]
c.JupyterHub.template_vars = {{"somahub": {{"logo": ""}}}}
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.tornado_settings = {{"cookie_options": {{"samesite": "Lax"}}}}
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.allow_named_servers = True
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.cmd = ["{python}", "{server}"]
c.JupyterHub.services = [{{"name": "operator", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "operator", "services": ["operator"], "scopes": ["admin:users", "admin:servers", "list:users"]}}
]
"""

# Answers anything, and leaves its token where the test can take it.
SERVER = """
import os, pathlib, urllib.parse, http.server
pathlib.Path("token").write_text(os.environ["JUPYTERHUB_API_TOKEN"])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
port = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for something, with a deadline."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.1)


@dataclass
class Hub:
    """A hub in a folder, which :meth:`start` starts and :meth:`stop` ends."""

    folder: Path
    port: int
    hub_port: int
    proxy_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        return Settings(data=self.folder, hub_port=self.hub_port)

    @property
    def token(self) -> str:
        return (self.folder / "secrets" / "operator").read_text()

    def write(self) -> None:
        """The configuration, the server and the operator's token."""
        (self.folder / "secrets").mkdir()
        (self.folder / "secrets" / "operator").write_text("0123456789abcdef" * 4)
        (self.folder / "server.py").write_text(SERVER)
        text = CONFIGURATION.format(
            **{"port": self.port, "hub_port": self.hub_port, "proxy_port": self.proxy_port, "token": self.token},
            **{"folder": self.folder, "templates": TEMPLATES},
            **{"python": sys.executable, "server": self.folder / "server.py"},
        )
        (self.folder / "jupyterhub_config.py").write_text(text)

    def start(self) -> None:
        binaries = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers, f"the hub's log-in page; see {self.folder}/hub.log")

    def stop(self) -> None:
        if self.process:
            # One that is still starting leaves its proxy behind.
            started = psutil.Process(self.process.pid).children(recursive=True)
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None
            for left in started:
                with contextlib.suppress(psutil.NoSuchProcess):
                    left.kill()
            psutil.wait_procs(started, PATIENCE)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "hub.log").read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/hub/login").status_code == 200
        except httpx.HTTPError:
            return False

    def add(self, name: str, *, administrator: bool = False) -> str:
        """Make an account by the command's own way; its first password."""
        return admin.add(self.settings, name, administrator=administrator).split()[-1]

    def api(self, method: str, path: str, token: str | None = None) -> httpx.Response:
        """Ask the hub with a token; the operator's, if none is given."""
        headers = {"Authorization": f"token {token or self.token}"}
        return httpx.request(method, f"http://127.0.0.1:{self.hub_port}/hub/api{path}", headers=headers)


class Browser:
    """What a person's browser does: keeps cookies, and sends a form with the token that the page had."""

    def __init__(self, hub: Hub) -> None:
        self.client = httpx.Client(base_url=hub.url, headers={"Sec-Fetch-Mode": "navigate"})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Fill in the form on a page and send it."""
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.get(path).text)
        assert found, f"{path} has no form"
        return self.client.post(path, data={**fields, "_xsrf": found[1]})

    def log_in(self, name: str, password: str, path: str = "/hub/login") -> httpx.Response:
        return self.send(path, username=name, password=password)

    def logged_in(self) -> bool:
        """Whether pages open without a log-in."""
        return self.get("/hub/password").status_code == 200
