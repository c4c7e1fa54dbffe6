"""What a person chose on a card, as a session's plan: alike on every tier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from somahub import names
from somahub import plan as plans
from somahub.errors import CatalogError
from somahub.instance import Instance
from somahub.model import Fact, Hardware, Person, Profile, SessionPlan


class Chosen:
    """The part of a spawner that turns a person's choice into a plan."""

    # Set once by the hub's configuration; not a trait, because those are copied with all that they hold.
    instance: ClassVar[Instance[Any]]

    # What JupyterHub's Spawner brings.
    name: str
    user: Any
    user_options: dict[str, Any]
    orm_spawner: Any

    # Not empty: a link to a session that does not run leads to the cards, and starts nothing by itself.
    options_form = "cards"

    def options_from_form(self, formdata: dict[str, list[str]]) -> dict[str, str]:
        """What the person chose on a card; raises CatalogError when that is not offered."""
        profile, hardware = (formdata.get(name, [""])[0] for name in ("profile", "hardware"))
        self.choose(profile, hardware)
        return {"profile": profile, "hardware": hardware}

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, str]:
        """Raises CatalogError: a link, which anybody can write and send, starts nothing and so costs nobody money."""
        raise CatalogError("a link starts no session: press Start on the app's card")

    def choose(self, profile: str, hardware: str) -> tuple[Profile, Hardware]:
        """What those names offer; raises CatalogError where they do not, or the server is not named as the profile."""
        if self.name and self.name != profile:
            # One that no card is of would run, and cost, where its person does not see it.
            raise CatalogError(f"a session of profile {profile!r} cannot be named {self.name!r}")
        return self.instance.choose(profile, hardware)

    def chosen(self) -> tuple[Profile, Hardware]:
        """What the person chose, checked again: the hub's API takes any options."""
        options = self.user_options or {}
        return self.choose(str(options.get("profile", "")), str(options.get("hardware", "")))

    def note_start(self, fact: Fact) -> None:
        """Write down that the session holds its hardware; what JupyterHub's API says of its start is then the same."""
        self.instance.ledger.append(fact)
        self.orm_spawner.started = fact.at.astimezone(UTC).replace(tzinfo=None)

    def planned(self) -> SessionPlan:
        """What to run, from what the person chose."""
        profile, hardware = self.chosen()
        return plans.session(
            person=Person(self.user.name, names.slug(self.user.name)),
            server=self.name,
            profile=profile,
            app=self.instance.tier.app(profile.app),
            hardware=hardware,
            usd_per_hour=self.instance.usd_per_hour(hardware.name),
            at=datetime.now(UTC),
        )


def started(plan: SessionPlan, at: datetime, gpus: tuple[str, ...] = ()) -> Fact:
    """The fact that a session holds its hardware from ``at`` on, with ``gpus`` where the tier chose them."""
    detail = {
        "server": plan.server,
        "profile": plan.profile,
        "app": f"{plan.app.name}-{plan.app.digest}",
        "hardware": plan.hardware.name,
        "gpus": ",".join(gpus),
    }
    return Fact(at, "session.started", plan.session, plan.person.name, tuple(detail.items()))


def stopped(began: Fact, at: datetime, why: str) -> Fact:
    """The fact that the session of ``began`` ended, and why in words."""
    return Fact(max(at, began.at), "session.stopped", began.session, began.person, (("reason", why),))
