"""Starting, finding and ending sandboxed sessions, for whoever asks; JupyterHub is one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from somahub.errors import SandboxError
from somahub.model import Folder, Person, SessionPlan
from somahub.spawners.sandbox import gpus, keeper, limits, network, records, sweep
from somahub.spawners.sandbox.argv import HostPaths, SandboxCommand, argv
from somahub.spawners.sandbox.log import last_line
from somahub.spawners.sandbox.programs import ENVIRONMENT
from somahub.spawners.sandbox.records import Mount, Run, Spec, State

POLL = 0.01  # seconds
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class End:
    """That a session is over: when, why in one line, and its server's exit status."""

    session: str
    person: str
    at: datetime
    why: str
    code: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What a session stands on: the folders of built environments, the loopback ports that it may reach, its GPUs.

    ``gpus`` are NVML's indices.
    """

    session_environment: Path
    app_environment: Path
    host_ports: tuple[int, ...]
    gpus: tuple[str, ...] = ()


class PortTakenError(SandboxError):
    """Somebody else listens on the port that was chosen for a session."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """All sandboxed sessions of one machine, whose things lie in ``data``."""

    data: Path

    @property
    def run(self) -> Run:
        """Where records of what runs are kept."""
        return Run(self.data / "run")

    async def start(
        self, plan: SessionPlan, ground: Ground, port: int, environment: Mapping[str, str], ready: str, deadline: float
    ) -> None:
        """Start a session and wait until its server answers on 127.0.0.1.

        ``environment`` holds the secrets; ``ready`` is the path that is asked for until any answer comes, for at most
        ``deadline`` seconds. Raises PortTakenError, or SandboxError with one line that says what went wrong.
        """
        rendered = argv(plan, self._host(plan, ground, port))
        folder = self._prepare(plan, ground, rendered, port)
        await self._hold(folder, {**environment, **dict(rendered.environment)})
        try:
            await asyncio.wait_for(self._answers(plan.session, port, ready), deadline)
        except TimeoutError:
            said = last_line(folder / "log")
            await self.stop(plan.session)
            raise SandboxError(f"the session's server did not answer within {deadline:g} s: {said}") from None
        except SandboxError:
            await self.stop(plan.session)
            raise

    def find(self, person: str, server: str) -> list[str]:
        """The sessions that have records for a person's server."""
        return [name for name in self.run.sessions() if self._is_of(name, person, server)]

    def end(self, session: str) -> End | None:
        """How a session ended; None while it runs. One that nobody knows anything of has ended."""
        folder = self.run.session(session)
        spec = records.read_spec(folder)
        state = records.read_state(folder)
        if state is None or spec is None:
            return End(session, spec.person if spec else "", datetime.now(UTC), "nothing is known of it", 1)
        if state.phase == "ended":
            return End(session, spec.person, datetime.fromtimestamp(state.ended, UTC), state.why, state.code)
        if state.holder.alive:
            return None
        at = sweep.last_sign(folder)
        ended = replace(state, phase="ended", ended=at, why="its holder was ended from outside", code=137)
        sweep.clear(self.run, session, state)
        records.write_state(folder, ended)
        return End(session, spec.person, datetime.fromtimestamp(at, UTC), ended.why, ended.code)

    async def stop(self, session: str, *, now: bool = False) -> None:
        """End a session and wait until nothing of it is left; ``now`` does not wait for its server."""
        state = records.read_state(self.run.session(session))
        if state and now and state.init:
            state.init.send(signal.SIGKILL)
        if state:
            state.holder.send(signal.SIGTERM)
        while self.end(session) is None or (state and state.holder.alive):  # noqa: ASYNC110 - what another process writes rings no bell here
            await asyncio.sleep(POLL)

    def forget(self, session: str) -> None:
        """Remove the last records of a session that has ended; call it when its end is in the ledger."""
        sweep.forget(self.run, session)

    async def stop_all(self) -> None:
        """End every session and the keeper; what ended stays to be noted by the hub."""
        await asyncio.gather(*(self.stop(session) for session in self.run.sessions()))
        await asyncio.to_thread(keeper.stop, self.run)

    def notes(self, session: str) -> tuple[str, ...]:
        """What the session's person should know, such as a program that was ended because memory ran out."""
        state = records.read_state(self.run.session(session))
        return state.notes if state else ()

    async def show(self, session: str, person: Person, folder: Folder) -> None:
        """Have a bucket appear in a running session; raises SandboxError."""
        await asyncio.to_thread(keeper.mount, self.run, session, [self._mount(person, folder)])

    async def hide(self, session: str, folder: Folder) -> None:
        """Take a bucket from a running session; what is open there stays open until it is closed."""
        await asyncio.to_thread(keeper.unmount, self.run, session, folder.path)

    def _prepare(self, plan: SessionPlan, ground: Ground, rendered: SandboxCommand, port: int) -> Path:
        """Make the folders and write the records that a holder needs."""
        if not _NAME.fullmatch(plan.session) or not _NAME.fullmatch(plan.person.slug):
            raise SandboxError(f"{plan.session!r} is no name for a session")
        for environment in (ground.session_environment, ground.app_environment):
            if not environment.is_dir():
                raise SandboxError(f"the environment {environment.name} is not built", mend="make apps")
        folder = self.run.session(plan.session)
        sweep.forget(self.run, plan.session)
        for private in (folder / "etc", self._home(plan.person), self.run.folders / plan.session):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in rendered.files:
            (folder / "etc" / name).write_text(text)
        spec = Spec(
            session=plan.session,
            person=plan.person.name,
            server=plan.server,
            port=port,
            memory=plan.hardware.memory,
            cores=limits.choose_cores(os.sched_getaffinity(0), plan.hardware.cpus, self._cores_taken()),
            started=time.time(),
            bwrap=rendered.bwrap,
            command=rendered.command,
            pasta=rendered.pasta,
            files=rendered.files,
            mounts=tuple(self._mount(plan.person, one) for one in plan.folders),
        )
        records.write_spec(folder, spec)
        return folder

    def _host(self, plan: SessionPlan, ground: Ground, port: int) -> HostPaths:
        return HostPaths(
            home=str(self._home(plan.person)),
            folders=str(self.run.folders / plan.session),
            files=str(self.run.session(plan.session) / "etc"),
            session_environment=str(ground.session_environment),
            app_environment=str(ground.app_environment),
            port=port,
            host_ports=ground.host_ports,
            gpus=gpus.granted(ground.gpus),
            resolver_options=_resolver_options(),
            pasta_options=network.pasta_options(),
        )

    def _home(self, person: Person) -> Path:
        return self.data / "homes" / person.slug

    def _mount(self, person: Person, folder: Folder) -> Mount:
        """A bucket's mount. In somebody else's bucket a link could lead a program to one's own files: none works."""
        source = self.data / "buckets" / folder.bucket
        own = folder.bucket == f"own-{person.slug}"
        if own:
            source.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ("nosuid", "nodev", *(() if own else ("nosymfollow",)), *(("ro",) if folder.mode == "read" else ()))
        return Mount(str(source), folder.path, options)

    def _cores_taken(self) -> list[tuple[int, ...]]:
        specs = [records.read_spec(self.run.session(name)) for name in self.run.sessions() if self.end(name) is None]
        return [spec.cores for spec in specs if spec]

    def _is_of(self, session: str, person: str, server: str) -> bool:
        spec = records.read_spec(self.run.session(session))
        return spec is not None and (spec.person, spec.server) == (person, server)

    async def _hold(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the holder, apart from us: it outlives the hub."""
        with (folder / "holder.log").open("wb") as said:
            holder = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "somahub.spawners.sandbox.holder", str(folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=ENVIRONMENT,
                start_new_session=True,
            )
            await holder.communicate(json.dumps(dict(environment)).encode())
        if holder.returncode:
            raise SandboxError(f"the session's holder did not start: {last_line(folder / 'holder.log')}")

    async def _answers(self, session: str, port: int, path: str) -> None:
        """Return when the session's server answers; raise when the session ends before."""
        while True:
            state = self._state(session)
            if state and state.phase == "running" and await _answers(port, path):
                return
            await asyncio.sleep(POLL)

    def _state(self, session: str) -> State | None:
        """The state of a session that is starting; raises SandboxError when it has ended."""
        state = records.read_state(self.run.session(session))
        if state is None or (state.phase != "ended" and state.holder.alive):
            return state
        end = self.end(session)
        assert end
        failed = PortTakenError if re.search(r"fail\w* to bind|in use", end.why, re.IGNORECASE) else SandboxError
        raise failed(f"the session did not start: {end.why}")


async def _answers(port: int, path: str) -> bool:
    """Whether anything that speaks HTTP answers there."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        return (await reader.readline()).startswith(b"HTTP/")
    except OSError:
        return False
    finally:
        writer.close()


def _resolver_options() -> tuple[str, ...]:
    """How this host completes names, for sessions to do the same."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.startswith(("search ", "options ")))
