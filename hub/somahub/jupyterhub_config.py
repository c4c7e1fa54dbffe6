"""The hub's configuration on one machine: each line is a decision, made elsewhere where it needs more than a line."""

from somahub.accounts.authenticator import PasswordAuthenticator
from somahub.instance import open_instance
from somahub.local import proxy, secrets
from somahub.machine import this_machine
from somahub.pages.context import TEMPLATES, Page
from somahub.settings import Settings
from somahub.spawners.machine import MachineSpawner, reconcile

c = get_config()  # type: ignore[name-defined]  # noqa: F821
settings = Settings()
instance = open_instance(settings, this_machine(settings))
reconcile(instance)
hub = f"http://127.0.0.1:{settings.hub_port}"

c.JupyterHub.bind_url = f"http://127.0.0.1:{settings.port}"
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = hub
c.JupyterHub.db_url = f"sqlite:///{settings.data}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(settings.data / "secrets" / "cookie")

# The proxy is a process of its own, so that open desktops stay open while the hub restarts.
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikFileProviderProxy.should_start = False
c.TraefikFileProviderProxy.traefik_api_url = f"http://127.0.0.1:{settings.proxy_port}"
c.TraefikFileProviderProxy.traefik_api_username = "hub"
c.TraefikFileProviderProxy.traefik_api_password = secrets.read(settings, "proxy")
c.TraefikFileProviderProxy.traefik_api_hashed_password = proxy.quick_hash(secrets.read(settings, "proxy"))
c.TraefikFileProviderProxy.extra_dynamic_config = proxy.RULES
c.TraefikFileProviderProxy.dynamic_config_file = str(settings.data / "run" / "proxy" / "rules.toml")
c.JupyterHub.cleanup_proxy = c.JupyterHub.cleanup_servers = False

c.JupyterHub.authenticator_class = PasswordAuthenticator
c.PasswordAuthenticator.database = settings.database

c.JupyterHub.spawner_class = MachineSpawner
c.JupyterHub.allow_named_servers = True
MachineSpawner.instance = instance
# A first start builds an environment; each of its stages has a limit of its own.
c.Spawner.start_timeout = 2 * 3600
c.Spawner.http_timeout = 60
c.Spawner.poll_interval = 5

c.JupyterHub.template_paths = [str(TEMPLATES)]
c.JupyterHub.template_vars = {"somahub": lambda person: Page(instance, person)}
c.JupyterHub.default_url = "/hub/home"
# The page with the progress is shown at once, not after ten seconds of an empty one.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, "cookie_options": {"samesite": "Lax"}}

# `somahub user` and `somahub down` speak to the hub with this, and it can do no more than they need.
c.JupyterHub.services = [{"name": "operator", "api_token": secrets.read(settings, "operator")}]
c.JupyterHub.load_roles = [
    # A session's own token: beside JupyterHub's two scopes it may end that one session, for its Stop button.
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", "delete:servers!server"]},
    {"name": "operator", "services": ["operator"], "scopes": ["admin:users", "admin:servers", "list:users"]},
]
