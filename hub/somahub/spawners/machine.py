"""The spawner of one machine: sandboxed sessions of its catalogue, with its environments, noted in its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import ClassVar

from jupyterhub.app import JupyterHub

from somahub import names
from somahub import plan as plans
from somahub.environments.progress import Progress
from somahub.environments.shelf import SESSION
from somahub.errors import CatalogError
from somahub.instance import Instance
from somahub.ledger.reconcile import closing
from somahub.model import Fact, Hardware, Person, Profile, SessionPlan
from somahub.plan import own_bucket
from somahub.spawners.furnishing import furnish, template
from somahub.spawners.sandbox.sessions import End, Ground, Sessions
from somahub.spawners.sandbox.spawner import SandboxSpawner


class MachineSpawner(SandboxSpawner):
    """A person's session on this machine."""

    # Set once by the hub's configuration; not a trait, because those are copied with all that they hold.
    instance: ClassVar[Instance]

    # Not empty: a link to a session that does not run leads to the cards, and starts nothing by itself.
    options_form = "cards"

    @property
    def sessions(self) -> Sessions:
        """The sessions of this machine."""
        return Sessions(self.instance.settings.data)

    def options_from_form(self, formdata: dict[str, list[str]]) -> dict[str, str]:
        """What the person chose on a card; raises CatalogError when that is not offered."""
        profile, hardware = (formdata.get(name, [""])[0] for name in ("profile", "hardware"))
        self._choose(profile, hardware)
        return {"profile": profile, "hardware": hardware}

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, str]:
        """Raises CatalogError: a link, which anybody can write and send, starts nothing and so costs nobody money."""
        raise CatalogError("a link starts no session: press Start on the app's card")

    def _choose(self, profile: str, hardware: str) -> tuple[Profile, Hardware]:
        """What those names offer; raises CatalogError where they do not, or the server is not named as the profile."""
        if self.name and self.name != profile:
            # One that no card is of would run, and cost, where its person does not see it.
            raise CatalogError(f"a session of profile {profile!r} cannot be named {self.name!r}")
        return self.instance.choose(profile, hardware)

    async def plan(self) -> SessionPlan:
        """What to run, from what the person chose."""
        chosen = self.user_options or {}
        profile, hardware = self._choose(str(chosen.get("profile", "")), str(chosen.get("hardware", "")))
        self.instance.free_gpus(hardware)  # refused before anything is built
        return plans.session(
            person=Person(self.user.name, names.slug(self.user.name)),
            server=self.name,
            profile=profile,
            app=self.instance.shelf.app(profile.app),
            hardware=hardware,
            usd_per_hour=self.instance.usd_per_hour(hardware.name),
            at=datetime.now(UTC),
        )

    async def prepare(self, plan: SessionPlan) -> AsyncIterator[Progress]:
        """Build the environments that are not there yet, and put the sample into a bucket that is new."""
        bucket, shelf = self.instance.settings.data / "buckets" / own_bucket(plan.person), self.instance.shelf
        if bucket.exists():
            async for moment in shelf.prepare(plan.app.name):
                yield moment
            return
        sample = asyncio.create_task(template(shelf.folder / f"sample-{shelf.environment(SESSION).digest}"))
        try:
            async for moment in shelf.prepare(plan.app.name):
                yield moment
            yield Progress("finishing", 0.99, "Putting a sample project into your bucket")
            await furnish(bucket, await sample)
        finally:
            # What draws it is left to finish: the next person's start finds it there.
            sample.add_done_callback(asyncio.Task.exception)

    async def ground(self, plan: SessionPlan) -> Ground:
        """The folders and devices of a session; notes its start, so that nobody else is given the same."""
        instance = self.instance
        gpus = instance.free_gpus(plan.hardware)
        detail = {
            "server": plan.server,
            "profile": plan.profile,
            "app": f"{plan.app.name}-{plan.app.digest}",
            "hardware": plan.hardware.name,
            "gpus": ",".join(gpus),
        }
        instance.ledger.append(
            Fact(datetime.now(UTC), "session.started", plan.session, plan.person.name, tuple(detail.items()))
        )
        return Ground(
            session_environment=instance.shelf.environment(SESSION).folder,
            app_environment=instance.shelf.environment(plan.app.name).folder,
            host_ports=(instance.settings.hub_port,),
            gpus=gpus,
        )

    async def announce(self) -> None:
        """Have the proxy know the way while the session starts; JupyterHub then finds it there, and need not wait."""
        route = {"user": self.user.name, "server_name": self.name}
        try:
            await JupyterHub.instance().proxy.add_route(self.proxy_spec, f"http://127.0.0.1:{self.port}", route)
        except Exception as error:
            # JupyterHub asks for the same route once the session answers, and says what is wrong with the proxy.
            self.log.info("The route of %s is not there yet: %s", self._log_name, error)

    async def on_stopped(self, end: End) -> None:
        """Note its end, once."""
        started = self.instance.ledger.facts(end.session)
        if started:
            self.instance.ledger.append(
                Fact(end.at, "session.stopped", end.session, started[0].person, (("reason", end.why),))
            )


def reconcile(instance: Instance) -> None:
    """Close in the ledger what ended while no hub ran, when it was last seen to run."""
    sessions = Sessions(instance.settings.data)
    ends = {name: sessions.end(name) for name in sessions.run.sessions()}
    running = {name for name, end in ends.items() if end is None}
    last_seen = {name: end.at for name, end in ends.items() if end is not None}
    for fact in closing(instance.ledger.open_sessions(), running, last_seen):
        instance.ledger.append(fact)
