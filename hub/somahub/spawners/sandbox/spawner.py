"""The spawner that JupyterHub speaks to: each server is a sandboxed session."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Protocol

from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port

from somahub.errors import SomahubError
from somahub.model import SessionPlan
from somahub.spawners.news import News, shown
from somahub.spawners.sandbox.sessions import End, Ground, PortTakenError, Sessions

TRIES = 3


class Step(Protocol):
    """A moment of building an environment: how much of it is done, 0 to 1, and words for the person."""

    @property
    def fraction(self) -> float: ...
    @property
    def words(self) -> str: ...


class SandboxSpawner(Spawner):  # type: ignore[misc]
    """A session on this machine. What to run, on what, and what is noted of it, a subclass says."""

    session: str = ""

    @property
    @abstractmethod
    def sessions(self) -> Sessions:
        """The sessions of this machine."""

    @abstractmethod
    async def plan(self) -> SessionPlan:
        """What to run; raises SomahubError with why not."""

    @abstractmethod
    def prepare(self, plan: SessionPlan) -> AsyncIterator[Step]:
        """Build what the plan's environment lacks, step by step; raises SomahubError."""

    @abstractmethod
    async def ground(self, plan: SessionPlan) -> Ground:
        """What the session stands on, once it is prepared."""

    @abstractmethod
    async def announce(self) -> None:
        """Told beside the start of a session, once its port is chosen; raises nothing."""

    @abstractmethod
    async def on_stopped(self, end: End) -> None:
        """Note that a session has ended, or did not start after :meth:`ground`. May be told of one end again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.news = News()
        # Nothing of the hub's own environment is a session's business.
        self.env_keep: list[str] = []
        self.ip = "127.0.0.1"

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`get_state` gave before the hub went."""
        super().load_state(state)
        self.session = state.get("session", "")

    def get_state(self) -> dict[str, Any]:
        """What finds the session again after the hub went."""
        return {**super().get_state(), "session": self.session}

    def clear_state(self) -> None:
        """Forget the session: it is over."""
        super().clear_state()
        self.session = ""

    async def start(self) -> str:
        """Build the environment where it is missing, start the session, and return its URL once it answers."""
        self.news.say(0, "Getting ready")
        try:
            return await self._start()
        except SomahubError as error:
            if self.session:
                await self.sessions.stop(self.session, now=True)
                await self._settle(End(self.session, self.user.name, datetime.now(UTC), str(error), 1))
            raise shown(error) from error

    async def _start(self) -> str:
        await self._end_strays()
        plan = await self.plan()
        async for step in self.prepare(plan):
            self.news.say(5 + 75 * step.fraction, step.words)
        # Planned anew: a build takes minutes, and a session begins, and costs, when its hardware is its own.
        plan = await self.plan()
        self.session = plan.session
        ground = await self.ground(plan)
        self.news.say(85, "Opening the session")
        for left in reversed(range(TRIES)):
            self.port = random_port()
            announced = asyncio.create_task(self.announce())
            try:
                await self.sessions.start(plan, ground, self.port, self.get_env(), self._ready(), self.http_timeout)
                break
            except PortTakenError:
                if not left:
                    raise
            finally:
                await announced
        self.news.say(98, "The session is open")
        return f"http://127.0.0.1:{self.port}"

    async def poll(self) -> int | None:
        """None while the session starts or runs, else its exit status; what has ended is noted and forgotten."""
        if self.pending == "spawn":
            return None
        if not self.session:
            # JupyterHub was killed while it started one: a session that it does not know of must not run.
            await self._end_strays()
            return 0
        end = self.sessions.end(self.session)
        if end is None:
            return None
        await self._settle(end)
        return end.code

    async def stop(self, now: bool = False) -> None:
        """End the session and wait until nothing of it is left."""
        if self.session:
            await self.sessions.stop(self.session, now=now)
            if end := self.sessions.end(self.session):
                await self._settle(end)
        await self._end_strays()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Each step of the start, as JupyterHub's waiting page shows it."""
        async for step in self.news.follow():
            yield step

    async def _end_strays(self) -> None:
        """End and settle every session of this server of this person."""
        for session in self.sessions.find(self.user.name, self.name):
            await self.sessions.stop(session)
            if end := self.sessions.end(session):
                await self._settle(end)

    async def _settle(self, end: End) -> None:
        await self.on_stopped(end)
        self.sessions.forget(end.session)

    def _ready(self) -> str:
        return f"{self.server.base_url}api"
