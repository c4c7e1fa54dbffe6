"""What the hub's templates can ask: one :class:`Page` for the person who looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from somahub.instance import Instance
from somahub.model import Holding, Profile
from somahub.pages import cards
from somahub.pages.cards import Card, Running
from somahub.pricing import cost

TEMPLATES = Path(__file__).parent / "templates"
_LOGO = (Path(__file__).parent / "logo.svg").read_text().strip()


@dataclass(frozen=True)
class Page:
    """The page of one person (a JupyterHub user), or of nobody yet."""

    instance: Instance[Any]
    person: Any
    logo: str = _LOGO

    def cards(self) -> list[Card]:
        """A card for each profile, in the catalogue's order."""
        holdings = self.instance.holdings()
        return [self._card(profile, holdings) for profile in self.instance.catalog.profiles.values()]

    def card(self, server: str) -> Card | None:
        """The card whose server has this name."""
        profile = self.instance.catalog.profiles.get(server)
        return self._card(profile, self.instance.holdings()) if profile else None

    def _card(self, profile: Profile, holdings: list[Holding]) -> Card:
        instance, now = self.instance, datetime.now(UTC)
        offered = cards.choices(
            profile,
            instance.catalog.hardware,
            instance.prices,
            {name: instance.tier.verdict(instance.catalog.hardware[name], holdings) for name in profile.hardware},
            now,
        )
        return Card(
            server=profile.name,
            title=profile.title,
            description=profile.description,
            icon=instance.tier.icon(profile.app),
            choices=offered,
            chosen=cards.chosen(offered, profile.hardware[0]),
            note=instance.tier.note(profile.app),
            session=self._session(profile, now),
        )

    def _session(self, profile: Profile, now: datetime) -> Running | None:
        spawner = self.person.spawners.get(profile.name) if self.person else None
        if spawner is None or not (spawner.active or spawner.pending):
            return None
        hardware = self.instance.catalog.hardware.get((spawner.user_options or {}).get("hardware", ""))
        facts = self.instance.ledger.facts(spawner.session) if spawner.session else []
        words = {"spawn": "Starting", "stop": "Stopping"}.get(spawner.pending or "", "Running")
        return Running(
            words=words,
            pending=spawner.pending or "",
            hardware=f"{hardware.title}: {cards.size(hardware)}" if hardware else "",
            since=facts[0].at.isoformat(timespec="seconds") if facts else "",
            url=self.person.server_url(profile.name),
            usd=cost(facts, self.instance.prices, facts[0].at, now).usd if facts else Decimal(0),
            usd_per_hour=self.instance.usd_per_hour(hardware.name) if hardware else Decimal(0),
        )
