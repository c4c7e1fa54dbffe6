"""What is alike inside a session on every tier. Pure."""

from __future__ import annotations

from somahub.model import APPS, HOME, SESSION_ENVIRONMENT, SessionPlan

UID = GID = 1000
RUNTIME = f"/run/user/{UID}"


def environment(plan: SessionPlan) -> dict[str, str]:
    """A session's environment variables, but for what a tier adds; the app's programs are found first."""
    return {
        "PATH": f"{APPS}/{plan.app.name}/bin:{SESSION_ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "user",
        "LOGNAME": "user",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": RUNTIME,
        "SOMAHUB_SESSION": plan.session,
        **dict(plan.environment),
    }
