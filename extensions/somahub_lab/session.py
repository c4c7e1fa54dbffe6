"""What a session knows of itself, from the environment that the spawner gave it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Session:
    """One session as its own pages show it.

    ``started`` is in UTC; ``runtime`` holds its sockets; ``base`` and ``hub`` are the prefixes, with a slash at their
    end, of its own addresses and of the hub's.
    """

    app: str
    title: str
    hardware: str
    usd_per_hour: Decimal
    started: datetime
    opens: Literal["desktop", "notebook"]
    home: Path
    runtime: Path
    base: str
    hub: str

    def cost(self, now: datetime) -> Decimal:
        """What the session has cost until ``now`` in US dollars, unrounded: about, since the ledger alone bills."""
        hours = Decimal((now - self.started).total_seconds()) / 3600
        return max(hours, Decimal(0)) * self.usd_per_hour

    @property
    def socket(self) -> Path:
        """Where the desktop's VNC server listens."""
        return self.runtime / "vnc.sock"

    def buckets(self) -> list[str]:
        """The names of the buckets that lie in the home, in their order on the page."""
        folder = self.home / "buckets"
        if not folder.is_dir():
            return []
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        return sorted(names, key=lambda name: name != "mine")


def from_environment(environment: Mapping[str, str] = os.environ) -> Session:
    """The session that this process runs in.

    What the spawner did not say is left plain: no price, no hardware.
    """
    say = environment.get
    return Session(
        app=say("SOMAHUB_APP", ""),
        title=say("SOMAHUB_PROFILE_TITLE", "somahub"),
        hardware=say("SOMAHUB_HARDWARE_TITLE", ""),
        usd_per_hour=_price(say("SOMAHUB_USD_PER_HOUR", "0")),
        started=_moment(say("SOMAHUB_STARTED", "")),
        opens="notebook" if say("SOMAHUB_OPENS") == "notebook" else "desktop",
        home=Path(say("HOME", "/home/user")),
        runtime=Path(say("XDG_RUNTIME_DIR", "/run/user/1000")),
        base=say("JUPYTERHUB_SERVICE_PREFIX", "/"),
        hub=say("JUPYTERHUB_HOST", "") + say("JUPYTERHUB_BASE_URL", "/") + "hub/",
    )


def _price(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
