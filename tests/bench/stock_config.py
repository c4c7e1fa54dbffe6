"""The other hub: JupyterHub and jupyter-remote-desktop-proxy as their own pages say, with nothing tuned."""

import os
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821
folder = Path(os.environ["BENCH_FOLDER"])
port, hub_port, proxy_port = os.environ["BENCH_PORTS"].split()

c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(folder / "cookie")
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikFileProviderProxy.traefik_api_url = f"http://127.0.0.1:{proxy_port}"
c.TraefikFileProviderProxy.traefik_api_username = "hub"
c.TraefikFileProviderProxy.traefik_api_password = os.environ["BENCH_TOKEN"]
c.TraefikFileProviderProxy.static_config_file = str(folder / "traefik.toml")
c.TraefikFileProviderProxy.dynamic_config_file = str(folder / "rules.toml")

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["BENCH_TOKEN"]
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "homes" / "{username}")
c.Spawner.default_url = "/desktop"
c.Spawner.environment = {"JUPYTER_REMOTE_DESKTOP_PROXY_XSTARTUP": os.environ["BENCH_DESKTOP"]}

c.JupyterHub.services = [{"name": "bench", "api_token": os.environ["BENCH_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers", "list:users"]}
]
