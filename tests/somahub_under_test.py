"""A somahub that a test starts, asks and ends, by the commands that a person types."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
BOOT = ["/usr/bin/python3", str(ROOT / "hub/somahub/local/bootstrap.py")]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def hub_user() -> str:
    """Who the hub runs as: as root the user that `make up` makes, else oneself."""
    if os.geteuid() == 0:
        return os.environ.get("SOMAHUB_USER", "somahub")
    import getpass

    return getpass.getuser()


@dataclass
class Somahub:
    """One instance. ``url`` answers after :meth:`up`; people are made by :meth:`person`."""

    data: Path
    port: int
    hub_port: int
    proxy_port: int
    extra: dict[str, str] = field(default_factory=dict)
    admin_password: str = ""
    people: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SOMAHUB_DATA": str(self.data),
            "SOMAHUB_PORT": str(self.port),
            "SOMAHUB_HUB_PORT": str(self.hub_port),
            "SOMAHUB_PROXY_PORT": str(self.proxy_port),
            **self.extra,
        }

    def boot(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the Makefile's commands for this instance."""
        return subprocess.run(
            [*BOOT, *words], env=self.environment, capture_output=True, text=True, timeout=1800, check=False
        )

    def up(self) -> str:
        said = self.boot("up")
        assert said.returncode == 0, said.stdout + said.stderr
        found = re.search(r"password\S*\s+(\S+)", said.stdout)
        if found and not self.admin_password:
            self.admin_password = found[1]
        return said.stdout

    def down(self) -> str:
        said = self.boot("down")
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def command(self, *words: str) -> str:
        """Run `somahub …` for this instance."""
        said = self.boot("somahub", *words)
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout.strip()

    def person(self, name: str) -> tuple[str, str]:
        """Somebody who can log in: their name and password."""
        if name not in self.people:
            self.people[name] = self.command("user", "add", name).split()[-1]
        return name, self.people[name]

    def build(self, app: str) -> Path:
        """The folder of an app's environment, built where it is not there yet."""
        return Path(self.command("apps", "build", app).splitlines()[-1])

    def ask(self, method: str, path: str) -> httpx.Response:
        """Ask the hub's API as its operator."""
        token = (self.data / "secrets" / "operator").read_text().strip()
        url = f"http://127.0.0.1:{self.hub_port}/hub/api{path}"
        return httpx.request(method, url, headers={"Authorization": f"token {token}"}, timeout=30)

    def bucket(self, name: str) -> Path:
        """A person's own bucket, as a folder of the host."""
        return self.data / "buckets" / f"own-{name}"
