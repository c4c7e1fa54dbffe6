"""The heart: what a session is, decided once and rendered by each tier. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from somahub.errors import CatalogError
from somahub.model import (
    SESSION_ENVIRONMENT,
    App,
    Folder,
    Hardware,
    Person,
    Profile,
    SessionPlan,
)


def session(
    *,
    person: Person,
    server: str,
    profile: Profile,
    app: App,
    hardware: Hardware,
    usd_per_hour: Decimal,
    at: datetime,
) -> SessionPlan:
    """Plan a session of ``person`` on ``profile`` with ``hardware``, started ``at`` (aware, UTC).

    Raises CatalogError when the profile does not offer that hardware, or is of another app.
    """
    if hardware.name not in profile.hardware:
        offered = ", ".join(profile.hardware)
        raise CatalogError(f"profile {profile.name} is not offered on {hardware.name}; choose one of {offered}")
    if app.name != profile.app:
        raise CatalogError(f"profile {profile.name} is of app {profile.app}, not {app.name}")
    name = f"{person.slug}-{profile.name}-{at:%Y%m%dt%H%M%S}{at.microsecond // 1000:03d}"
    environment = {
        "SOMAHUB_SESSION": name,
        "SOMAHUB_APP": app.name,
        "SOMAHUB_PROFILE_TITLE": profile.title,
        "SOMAHUB_HARDWARE_TITLE": hardware.title,
        "SOMAHUB_USD_PER_HOUR": str(usd_per_hour),
        "SOMAHUB_STARTED": at.isoformat(timespec="seconds"),
        "SOMAHUB_OPENS": profile.opens,
    }
    return SessionPlan(
        session=name,
        person=person,
        server=server,
        profile=profile.version,
        app=app,
        hardware=hardware,
        opens=profile.opens,
        folders=(Folder(bucket=own_bucket(person), path="mine", mode="write"),),
        environment=tuple(sorted(environment.items())),
        command=(f"{SESSION_ENVIRONMENT}/bin/somahub-session",),
    )


def own_bucket(person: Person) -> str:
    """The name of a person's own bucket."""
    return f"own-{person.slug}"
