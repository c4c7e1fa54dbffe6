"""What is supervised on one machine: the proxy, and the hub behind it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from somahub.local import proxy, runner, supervise
from somahub.local.layout import Layout
from somahub.local.supervise import Service
from somahub.settings import Settings

PROXY, HUB = "proxy", "hub"
CONFIG = Path(__file__).parents[1] / "jupyterhub_config.py"


def services(settings: Settings, layout: Layout, caller: Mapping[str, str]) -> tuple[Service, Service]:
    """The supervised services in the order of their start; the proxy first, as the hub speaks to it."""
    return _proxy(settings, layout), _hub(settings, layout, caller)


def _proxy(settings: Settings, layout: Layout) -> Service:
    static = layout.proxy / "traefik.toml"
    return Service(
        name=PROXY,
        command=(str(supervise.tools() / "traefik"), f"--configfile={static}"),
        environment={"PATH": runner.SYSTEM_PATH},
        folder=layout.proxy,
        stamp=hashlib.sha256(proxy_configuration(settings, layout).encode()).hexdigest(),
    )


def _hub(settings: Settings, layout: Layout, caller: Mapping[str, str]) -> Service:
    python = Path(sys.prefix).resolve() / "bin/python"
    told = {name: value for name, value in caller.items() if runner.passed(name)}
    said = {name: value for name, value in settings.model_dump().items() if value is not None}
    return Service(
        name=HUB,
        command=(str(python), "-m", "jupyterhub", "-f", str(CONFIG)),
        environment={
            **told,
            **{f"SOMAHUB_{name.upper()}": str(value) for name, value in said.items()},
            "PATH": f"{python.parent}:{runner.SYSTEM_PATH}",
            "HOME": str(layout.data),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        },
        folder=layout.run,
        stamp=_documents(settings),
    )


def _documents(settings: Settings) -> str:
    """What the lab's own profiles and recipes say: the hub reads them once, so a change of them restarts it."""
    whole = hashlib.sha256()
    for folder in (settings.profiles, settings.images):
        for file in sorted(folder.rglob("*")) if folder else []:
            if file.is_file():
                whole.update(f"\0{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def proxy_configuration(settings: Settings, layout: Layout) -> str:
    """traefik's static configuration: two ports on the loopback, and the routes in a file that the hub writes."""
    return f"""[global]
checkNewVersion = false
sendAnonymousUsage = false

[log]
level = "ERROR"
noColor = true

[api]

[providers]
providersThrottleDuration = "0s"

[providers.file]
filename = "{layout.proxy}/rules.toml"
watch = true

[entryPoints.http]
address = "127.0.0.1:{settings.port}"

# A large upload may take longer than any limit that suits a web page.
[entryPoints.http.transport.respondingTimeouts]
readTimeout = "0s"

# X_Forwarded_For is not to be taken for X-Forwarded-For by whoever is behind us.
[entryPoints.http.http]
aliasHeadersStrategy = "delete"
middlewares = ["{proxy.MIDDLEWARE}@file"]

[entryPoints.auth_api]
address = "127.0.0.1:{settings.proxy_port}"
"""


def write_proxy(settings: Settings, layout: Layout, *, anew: bool) -> None:
    """Put the proxy's files in place; ``anew`` forgets the routes of a proxy that runs no more.

    The file of routes must be there before the proxy looks for it. What is in it outweighs what the hub says later.
    """
    layout.proxy.mkdir(mode=0o700, parents=True, exist_ok=True)
    supervise.put(layout.proxy / "traefik.toml", proxy_configuration(settings, layout))
    routes = layout.proxy / "rules.toml"
    if anew or not routes.exists():
        supervise.put(routes, "")
