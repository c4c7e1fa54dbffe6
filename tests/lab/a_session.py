"""A session without its sandbox, behind a hub of its own: a test can look at both ends, browser and X display."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

PATIENCE = 30.0  # seconds
T = TypeVar("T")

CONFIGURATION = """
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
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home"
c.Spawner.cmd = ["{command}"]
c.Spawner.environment = {environment}
c.JupyterHub.services = [{{"name": "operator", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "operator", "services": ["operator"], "scopes": ["admin:users", "admin:servers", "list:users"]}},
    {{"name": "server", "scopes": ["users:activity!user", "access:servers!server", "delete:servers!server"]}},
]
"""


def until(look: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """What ``look`` gives once it is true, with a deadline."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.05)
    return seen


@dataclass
class ASession:
    """Ada's session. ``environment`` is the session environment; ``display`` a free X display."""

    folder: Path
    environment: Path
    display: str
    ports: list[int]
    token: str = "0123456789abcdef" * 4
    hub: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def runtime(self) -> Path:
        return self.folder / "run"

    def variables(self) -> dict[str, str]:
        """What a spawner says to a session."""
        return {
            "DISPLAY": self.display,
            "XDG_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_PATH": str(self.folder / "app/share/jupyter"),
            "SOMAHUB_APP": "dlc",
            "SOMAHUB_PROFILE_TITLE": "DeepLabCut",
            "SOMAHUB_HARDWARE_TITLE": "2 cores, 8 GiB",
            "SOMAHUB_USD_PER_HOUR": "0.42",
            "SOMAHUB_STARTED": "2026-01-01T08:00:00+00:00",
            "SOMAHUB_OPENS": "desktop",
        }

    def start(self) -> None:
        """Start the hub and, through it, the session."""
        (self.folder / "home/buckets/mine").mkdir(parents=True)
        self.runtime.mkdir(mode=0o700)
        port, hub_port, proxy_port = self.ports
        (self.folder / "hub.py").write_text(
            CONFIGURATION.format(
                port=port,
                hub_port=hub_port,
                proxy_port=proxy_port,
                folder=self.folder,
                command=self.environment / "bin/somahub-session",
                environment=self.variables(),
                token=self.token,
            )
        )
        binaries = Path(sys.executable).parent
        with (self.folder / "log").open("ab") as log:
            self.hub = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", "hub.py"],
                cwd=self.folder,
                env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._hub_answers, f"the hub answers; see {self.folder}/log")
        self.spawn()

    def spawn(self) -> None:
        """Start Ada's session; nothing where it runs."""
        assert self.api("POST", "/users/ada").status_code in (201, 409)
        # Asked again and again: one that is just stopping is not started.
        until(
            lambda: self.runs() or (self.api("POST", "/users/ada/server").is_success and self.runs()),
            f"the session runs; see {self.folder}/log",
        )

    def runs(self) -> bool:
        """Whether the hub says that the session runs."""
        return bool(self.api("GET", "/users/ada").json()["servers"].get("", {}).get("ready"))

    def api(self, method: str, path: str) -> httpx.Response:
        """Ask the hub as its operator."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx.request(method, f"http://127.0.0.1:{self.ports[1]}/hub/api{path}", headers=headers, timeout=30)

    def x(self, *command: str) -> str:
        """What a command says on the session's X display."""
        environment = {**os.environ, **self.variables()}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip()

    def copy(self, text: str) -> None:
        """Copy a text in the desktop, as a program there does."""
        command = ["xclip", "-selection", "clipboard", "-in"]
        # No pipe for its output: it stays, to hand the text out.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, env={**os.environ, **self.variables()}, input=text.encode(), check=True, **quiet)

    def open(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program on the session's X display."""
        environment = {**os.environ, **self.variables(), "HOME": str(self.folder / "home")}
        return subprocess.Popen(command, env=environment, cwd=self.folder / "home")

    def processes(self) -> list[int]:
        """What runs of the session: each process that was given its runtime folder."""
        mark = f"XDG_RUNTIME_DIR={self.runtime}\0".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in entry.read_bytes():
                    found.append(int(entry.parent.name))
            except OSError:
                continue  # it ended, or is somebody else's
        return found

    def stop(self) -> None:
        """End everything."""
        if self.hub is not None:
            self.hub.send_signal(signal.SIGTERM)
            self.hub.wait(PATIENCE)
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself by now
                os.kill(process, signal.SIGKILL)

    def _hub_answers(self) -> bool:
        assert self.hub is not None
        assert self.hub.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/hub/login").status_code == 200
        except httpx.HTTPError:
            return False
