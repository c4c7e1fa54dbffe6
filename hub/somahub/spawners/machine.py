"""The spawner of one machine: sandboxed sessions of its catalogue, with its environments, noted in its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import ClassVar

from jupyterhub.app import JupyterHub

from somahub.environments.progress import Progress
from somahub.environments.shelf import SESSION
from somahub.instance import Instance
from somahub.ledger.reconcile import closing
from somahub.machine import ThisMachine, free_gpus
from somahub.model import SessionPlan
from somahub.plan import own_bucket
from somahub.spawners.chosen import Chosen, started, stopped
from somahub.spawners.furnishing import furnish, template
from somahub.spawners.sandbox.sessions import End, Ground, Sessions
from somahub.spawners.sandbox.spawner import SandboxSpawner


class MachineSpawner(Chosen, SandboxSpawner):
    """A person's session on this machine."""

    instance: ClassVar[Instance[ThisMachine]]

    @property
    def sessions(self) -> Sessions:
        """The sessions of this machine."""
        return Sessions(self.instance.settings.data)

    async def plan(self) -> SessionPlan:
        """What to run, from what the person chose; refused before anything is built."""
        free_gpus(self.instance, self.chosen()[1])
        return self.planned()

    async def prepare(self, plan: SessionPlan) -> AsyncIterator[Progress]:
        """Build the environments that are not there yet, and put the sample into a bucket that is new."""
        bucket, shelf = self.instance.settings.data / "buckets" / own_bucket(plan.person), self.instance.tier.shelf
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
        instance, shelf = self.instance, self.instance.tier.shelf
        gpus = free_gpus(instance, plan.hardware)
        self.note_start(started(plan, datetime.now(UTC), gpus))
        return Ground(
            session_environment=shelf.environment(SESSION).folder,
            app_environment=shelf.environment(plan.app.name).folder,
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
        for began in self.instance.ledger.facts(end.session)[:1]:
            self.instance.ledger.append(stopped(began, end.at, end.why))


def reconcile(instance: Instance[ThisMachine]) -> None:
    """Close in the ledger what ended while no hub ran, when it was last seen to run."""
    sessions = Sessions(instance.settings.data)
    ends = {name: sessions.end(name) for name in sessions.run.sessions()}
    running = {name for name, end in ends.items() if end is None}
    last_seen = {name: end.at for name, end in ends.items() if end is not None}
    for fact in closing(instance.ledger.open_sessions(), running, last_seen):
        instance.ledger.append(fact)
