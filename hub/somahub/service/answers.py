"""What the API takes and gives, as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from somahub import pricing
from somahub.catalog import Catalog
from somahub.model import Hardware, Profile
from somahub.pages.cards import size
from somahub.service.sessions import Session, State

_MICRO: Final = Decimal("0.000001")

Usd = Annotated[str, Field(description="US dollars, as decimal text, so that no digit is lost.", examples=["0.0416"])]


class Wrong(BaseModel):
    """Every answer that is not a success."""

    error: str = Field(description="What is wrong, in one line.")
    mend: str = Field(description="What to do about it, in one line.")


class HardwareChoice(BaseModel):
    """A class of machine share that a profile can run on, with its price now."""

    name: str = Field(examples=["small"])
    title: str = Field(examples=["Small"])
    size: str = Field(description="In words.", examples=["2 CPUs · 4 GiB memory"])
    cpus: float = Field(examples=[2])
    memory_bytes: int = Field(examples=[4294967296])
    gpus: int = Field(examples=[0])
    usd_per_hour: Usd


class ProfileOffer(BaseModel):
    """An app with the hardware that it is offered on."""

    name: str = Field(examples=["deeplabcut"])
    version: str = Field(
        description="name@digest: changes with anything that decides what runs.", examples=["deeplabcut@5f0c7ad1e2b3"]
    )
    title: str = Field(examples=["DeepLabCut"])
    description: str
    app: str = Field(examples=["dlc"])
    opens: str = Field(description="What its address shows first: desktop or notebook.", examples=["desktop"])
    hardware: list[HardwareChoice] = Field(description="The usual choice comes first.")


class Profiles(BaseModel):
    """All that is offered."""

    profiles: list[ProfileOffer]


class SessionAnswer(BaseModel):
    """One of your sessions. What it costs is null where the catalogue no longer has its hardware or a price."""

    profile: str = Field(examples=["deeplabcut"])
    title: str = Field(examples=["DeepLabCut"])
    state: State = Field(description="A session that is starting does not answer at its address yet.")
    hardware: str | None = Field(description="The name of its hardware choice.", examples=["small"])
    size: str | None = Field(description="Its hardware in words.", examples=["2 CPUs · 4 GiB memory"])
    since: datetime | None = Field(description="When it began, in UTC; null while it starts.")
    usd_per_hour: Usd | None
    usd_so_far: Usd | None = Field(description="What it has cost, in US dollars to a millionth.", examples=["0.312000"])
    address: str = Field(
        description="Where a browser opens it.", examples=["https://hub.example.org/user/ada/deeplabcut/"]
    )


class Sessions(BaseModel):
    """All your sessions that run, start or stop."""

    sessions: list[SessionAnswer]


class Start(BaseModel):
    """Which profile to start, and on which of its hardware choices."""

    model_config = ConfigDict(extra="forbid", strict=True)

    profile: str = Field(max_length=100, examples=["deeplabcut"])
    hardware: str = Field(max_length=100, examples=["small"])


class Health(BaseModel):
    """The service answers, and reaches the hub."""

    ok: bool
    hub: str = Field(description="The hub's version.", examples=["6.1.1"])


def profiles(catalog: Catalog, now: datetime) -> Profiles:
    """What is offered, with the prices that hold ``now``; raises CatalogError where there is none."""
    return Profiles(profiles=[_offer(profile, catalog, now) for profile in catalog.profiles.values()])


def session(one: Session, origin: str) -> SessionAnswer:
    """A session as JSON; ``origin`` (``https://host``) stands before its path."""
    return SessionAnswer(
        profile=one.profile,
        title=one.title,
        state=one.state,
        hardware=one.hardware.name if one.hardware else None,
        size=size(one.hardware) if one.hardware else None,
        since=one.since,
        usd_per_hour=None if one.usd_per_hour is None else f"{one.usd_per_hour:f}",
        usd_so_far=None if one.usd_so_far is None else f"{one.usd_so_far.quantize(_MICRO):f}",
        address=one.path if "://" in one.path else f"{origin}{one.path}",
    )


def _offer(profile: Profile, catalog: Catalog, now: datetime) -> ProfileOffer:
    return ProfileOffer(
        name=profile.name,
        version=profile.version,
        title=profile.title,
        description=profile.description,
        app=profile.app,
        opens=profile.opens,
        hardware=[_choice(catalog.hardware[name], catalog, now) for name in profile.hardware],
    )


def _choice(hardware: Hardware, catalog: Catalog, now: datetime) -> HardwareChoice:
    prices = chain.from_iterable(catalog.prices.values())
    return HardwareChoice(
        name=hardware.name,
        title=hardware.title,
        size=size(hardware),
        cpus=hardware.cpus,
        memory_bytes=hardware.memory,
        gpus=hardware.gpus,
        usd_per_hour=f"{pricing.price_at(prices, hardware.name, now).usd_per_hour:f}",
    )
