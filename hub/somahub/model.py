"""The glossary: what somahub talks about, as frozen dataclasses of the standard library alone.

Every other module may import this one; it imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

# Where things lie inside a session, alike on every tier, so that a path written into a
# DeepLabCut project by one person is right for the colleague who opens it.
HOME = "/home/user"
BUCKETS = f"{HOME}/buckets"
SESSION_ENVIRONMENT = "/opt/somahub/session"
APPS = "/opt/somahub/apps"


@dataclass(frozen=True, slots=True)
class App:
    """What a session runs: an environment built from a recipe under images/, or an image that holds one.

    ``digest`` is 12 hexadecimal digits that change with what runs: of everything that decides what is installed, on one
    machine; of the image, on Kubernetes.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint of Kubernetes nodes that pods of a hardware class may run beside."""

    key: str
    operator: Literal["Exists", "Equal"]
    value: str | None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """A class of machine share that a profile may offer. ``memory`` in bytes.

    ``node_selector`` and ``tolerations`` say where its pods run; one machine has no use for them.
    """

    name: str
    title: str
    cpus: float
    memory: int
    gpus: int = 0
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """An offering: app, hardware choices (the one that its card starts with comes first), and what opens first."""

    name: str
    digest: str
    title: str
    description: str
    app: str
    opens: Literal["desktop", "notebook"]
    hardware: tuple[str, ...]

    @property
    def version(self) -> str:
        """The profile's name and content, ``name@digest``: any change of content changes it."""
        return f"{self.name}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who logs in. ``slug`` is safe in paths, host names and pod names."""

    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A bucket, as a folder of the session. ``path`` is relative to :data:`BUCKETS`."""

    bucket: str
    path: str
    mode: Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """Everything that a session is, on whatever tier it runs.

    ``session`` names it for ever (ledger, folders, pods); ``environment`` holds no secret: those
    are added by the spawner, and reach the session by environment alone.
    """

    session: str
    person: Person
    server: str
    profile: str
    app: App
    hardware: Hardware
    opens: Literal["desktop", "notebook"]
    folders: tuple[Folder, ...]
    environment: tuple[tuple[str, str], ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of a hardware class costs from a moment on, in US dollars."""

    hardware: str
    since: datetime
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the ledger, never changed. ``detail`` is what its ``kind`` says, as JSON types."""

    at: datetime
    kind: Literal["session.started", "session.stopped"]
    session: str
    person: str
    detail: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Charge:
    """What one session cost over an interval at one price."""

    session: str
    person: str
    hardware: str
    begin: datetime
    end: datetime
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """What facts and prices make. ``usd`` is the exact sum of the charges, rounded by nobody."""

    charges: tuple[Charge, ...]
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Machine:
    """What one machine has to give. ``memory`` in bytes."""

    cpus: int
    memory: int
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """A running session, as seen by somebody who waits for its hardware."""

    session: str
    person: str
    hardware: Hardware
    since: datetime


@dataclass(frozen=True, slots=True)
class Startable:
    """A profile can start now on this hardware."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A profile cannot start now on this hardware. ``why`` is one line that says what to do."""

    why: str


Verdict = Startable | Refused
