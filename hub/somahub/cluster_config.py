"""The hub's configuration on a cluster, on top of what Zero to JupyterHub's chart has set; called by the chart."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from somahub.accounts import admin
from somahub.cluster import this_cluster
from somahub.errors import SomahubError
from somahub.instance import open_instance
from somahub.local import secrets
from somahub.pages.context import TEMPLATES, Page
from somahub.settings import Settings
from somahub.spawners.cluster import ClusterSpawner
from somahub.spawners.rounds import end_when_changed, go_round

# Where the secret that our chart makes lies in the hub's pod.
_SECRETS: Final = Path("/usr/local/etc/jupyterhub/existing-secret")
# The name of our accounts among JupyterHub's authenticators.
_OWN: Final = "somahub"
_background: Final[set[asyncio.Task[None]]] = set()


def configure(c: Any) -> None:
    """Make the chart's hub a somahub. Where that cannot be, the hub does not start, and its log ends with why."""
    try:
        _configure(c)
    except SomahubError as error:
        sys.exit(f"somahub: {error}" + (f"\n  what helps: {error.mend}" if error.mend else ""))


def _configure(c: Any) -> None:
    settings = Settings()
    instance = open_instance(settings, this_cluster(settings))

    c.PasswordAuthenticator.database = settings.database
    if c.JupyterHub.get("authenticator_class") == _OWN:
        admin.first(settings, (_SECRETS / "admin.password").read_text().strip())

    c.JupyterHub.spawner_class = ClusterSpawner
    ClusterSpawner.instance = instance
    c.JupyterHub.allow_named_servers = True
    c.KubeSpawner.start_timeout = instance.tier.document.start_minutes * 60
    c.KubeSpawner.http_timeout = 60
    c.KubeSpawner.poll_interval = 10
    # A start that is refused is no fault of the hub, which would else end itself with the fifth in a row.
    c.KubeSpawner.consecutive_failure_limit = 0
    # A person's home stays when their account goes.
    c.KubeSpawner.delete_pvc = False
    # For what runs in a session to save and end.
    c.KubeSpawner.delete_grace_period = 30
    _go_on(go_round(instance, os.environ["POD_NAMESPACE"]))
    _go_on(end_when_changed(settings))

    # A proxy that was started anew has no routes until the hub looks at it.
    c.JupyterHub.last_activity_interval = 2
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    c.JupyterHub.template_vars = {"somahub": lambda person: Page(instance, person)}
    c.JupyterHub.default_url = "/hub/home"
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, "cookie_options": {"samesite": "Lax"}}

    # `somahub user` in the hub's pod speaks to the hub with this, and it can do no more than it needs.
    c.JupyterHub.services.append({"name": "operator", "api_token": secrets.read(settings, "operator")})
    visits = [f"access:services!service={service['name']}" for service in c.JupyterHub.services if service.get("url")]
    c.JupyterHub.load_roles += [
        {"name": "user", "scopes": ["self", *visits]},
        # A session's own token: beside JupyterHub's two scopes it may end that one session, for its Stop button.
        {
            "name": "server",
            "scopes": ["users:activity!user", "access:servers!server", "delete:servers!server", *visits],
        },
        {"name": "operator", "services": ["operator"], "scopes": ["admin:users", "admin:servers", "list:users"]},
    ]


def _go_on(work: Coroutine[Any, Any, None]) -> None:
    """Do it beside the hub for as long as that runs; a hub without it is ended, to be started anew."""

    def over(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logging.getLogger("somahub").critical("what runs beside the hub has failed", exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)

    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(over)
    _background.add(task)
