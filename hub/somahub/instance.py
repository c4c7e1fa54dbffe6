"""What one running hub knows: its settings, its catalogue, its ledger, and the tier that its sessions run on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from somahub import catalog, pricing
from somahub.catalog import Catalog
from somahub.errors import CatalogError
from somahub.ledger import Ledger
from somahub.model import App, Fact, Hardware, Holding, Price, Profile, Verdict
from somahub.settings import Settings


class Tier(Protocol):
    """Where sessions run: this machine, or a Kubernetes cluster."""

    def verdict(self, hardware: Hardware, holdings: Sequence[Holding]) -> Verdict:
        """Whether a session on ``hardware`` can start beside what others hold."""

    def apps(self) -> Path | frozenset[str]:
        """The apps that profiles can be of: their names, or the folder of their recipes."""

    def app(self, name: str) -> App:
        """An app, with the digest of what would run now."""

    def icon(self, name: str) -> str:
        """An app's picture, as SVG."""

    def note(self, name: str) -> str:
        """What a card says of an app's next start, if anything."""


OneTier = TypeVar("OneTier", bound=Tier)


@dataclass(frozen=True)
class Instance(Generic[OneTier]):
    """One hub. Reads its catalogue once: a change of documents is taken up when the hub is started anew."""

    settings: Settings
    catalog: Catalog
    ledger: Ledger
    tier: OneTier

    @cached_property
    def prices(self) -> tuple[Price, ...]:
        """All prices, of every hardware class."""
        return tuple(chain.from_iterable(self.catalog.prices.values()))

    def choose(self, profile: str, hardware: str) -> tuple[Profile, Hardware]:
        """The profile and hardware of those names; raises CatalogError when they are not offered."""
        if profile not in self.catalog.profiles:
            raise CatalogError(f"no profile is named {profile!r}; choose one of {', '.join(self.catalog.profiles)}")
        chosen = self.catalog.profiles[profile]
        if hardware not in chosen.hardware:
            raise CatalogError(f"{chosen.title} is not offered on {hardware!r}; choose {', '.join(chosen.hardware)}")
        return chosen, self.catalog.hardware[hardware]

    def usd_per_hour(self, hardware: str) -> Decimal:
        """What an hour of a hardware class costs now, in US dollars."""
        return pricing.price_at(self.prices, hardware, datetime.now(UTC)).usd_per_hour

    def holdings(self, running: Sequence[Fact] | None = None) -> list[Holding]:
        """What the sessions hold that run now, the longest first."""
        facts = self.ledger.open_sessions() if running is None else running
        details = [(fact, dict(fact.detail)) for fact in facts]
        return [
            Holding(fact.session, fact.person, self.catalog.hardware[detail["hardware"]], fact.at)
            for fact, detail in details
            if detail["hardware"] in self.catalog.hardware
        ]


def shipped(folder: str) -> Path:
    """A folder that ships with somahub (``images``, ``profiles``): in the wheel, or in a checkout."""
    package = Path(__file__).parent
    in_wheel = package / f"_{folder}"
    if in_wheel.is_dir():
        return in_wheel
    return package.parents[1] / {"images": "images", "profiles": "spawner_profiles"}[folder]


def read_catalog(settings: Settings, tier: Tier) -> Catalog:
    """What is offered on this tier, each profile with the digest of what it runs; raises CatalogError."""
    read = catalog.load(settings.profiles or shipped("profiles"), tier.apps())
    used = {profile.app for profile in read.profiles.values()}
    return catalog.pinned(read, {name: tier.app(name).digest for name in used})


def open_instance(settings: Settings, tier: OneTier) -> Instance[OneTier]:
    """Read the catalogue and open the ledger, as the settings say.

    Raises CatalogError with one line a fault, or LedgerError.
    """
    offered = read_catalog(settings, tier)
    ledger = Ledger(settings.database)
    ledger.migrate()
    return Instance(settings, offered, ledger, tier)
