"""The holder of one session: ``python -m somahub.spawners.sandbox.holder FOLDER``, secrets as JSON on its input.

It outlives the hub. It starts bubblewrap and pasta, keeps the network as it should be, watches memory, and when told
to end, or when the session ended, leaves nothing of it but the last state.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from somahub.errors import SandboxError
from somahub.spawners.sandbox import keeper, limits, memory, network, processes, records, sweep
from somahub.spawners.sandbox.launch import Launch, Pasta
from somahub.spawners.sandbox.log import Log
from somahub.spawners.sandbox.records import Run, Spec, State

WATCH = 1.0  # seconds between looks at memory
BEAT = 5.0  # seconds between signs of life
GRACE = 5.0  # seconds that a session's server has to end by itself

_FAILURES = (SandboxError, OSError, subprocess.CalledProcessError)


class Holder:
    """One session, from its first process to its last."""

    def __init__(self, run: Run, spec: Spec, environment: dict[str, str]) -> None:
        self.run = run
        self.spec = spec
        self.environment = environment
        self.folder = run.session(spec.session)
        me = processes.find(os.getpid())
        assert me
        self.state = State("starting", me)
        self.log = Log(self.folder / "log")
        self.events = selectors.DefaultSelector()
        self.told_to_end = False
        self.closed: frozenset[str] = frozenset()
        self.beaten = self.watched = time.monotonic()
        self._listen()
        self._say()

    def hold(self) -> None:
        """Run the session until it ends."""
        try:
            self._start()
        except _FAILURES as error:
            mend = error.mend if isinstance(error, SandboxError) else ""
            self._end(f"{error}; {mend}" if mend else str(error), 1)
            return
        try:
            while not self.told_to_end and self.launch.exit_code() is None:
                self._turn()
        except _FAILURES as error:
            if self.launch.exit_code() is None:  # else it is the session's end that was in the way
                self._end(f"its holder could not go on: {error}", 1)
                return
        self._stop()

    def _listen(self) -> None:
        """Have signals wake the loop, whenever they come."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._told)
        for ignored in (signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        self.events.register(reader, selectors.EVENT_READ, lambda: os.read(reader, 64))

    def _told(self, _number: int, _frame: object) -> None:
        self.told_to_end = True

    def _start(self) -> None:
        """Start the sandbox held at its first command, give it network and folders, and let it go."""
        kept = keeper.ensure(self.run)
        self.launch = Launch(self.spec, self.environment, kept, self.log.writer)
        self._say(bwrap=self.launch.outer)
        self._say(init=self.launch.wait())
        self.changes = network.address_changes()
        self.closed = network.closed(network.own_addresses())
        network.close(self.launch.outer.pid, frozenset(), self.closed)
        self.pasta = Pasta(self.spec, self.folder, self.launch.outer)
        self._say(pasta=self.pasta.process)
        keeper.mount(self.run, self.spec.session, self.spec.mounts)
        self.pasta.wait()
        self._say(phase="running")
        self.events.register(self.log.reader, selectors.EVENT_READ, self.log.take)
        self.events.register(self.launch.exited, selectors.EVENT_READ, lambda: None)
        self.events.register(self.changes, selectors.EVENT_READ, self._addresses_changed)
        self.events.register(self.pasta.exited, selectors.EVENT_READ, self._network_died)
        self.launch.go()

    def _turn(self) -> None:
        """Wait for something to happen, and see to it."""
        for key, _ in self.events.select(WATCH):
            key.data()
        now = time.monotonic()
        if now - self.watched > WATCH:
            self.watched = now
            self._watch_memory()
        if now - self.beaten > BEAT:
            self.beaten = now
            os.utime(self.folder / "state.json")

    def _addresses_changed(self) -> None:
        with suppress(BlockingIOError):
            while self.changes.recv(65536):
                pass
        now = network.closed(network.own_addresses())
        network.close(self.launch.outer.pid, self.closed, now)
        self.closed = now

    def _network_died(self) -> None:
        self.events.unregister(self.pasta.exited)
        self.pasta.collect()
        self.pasta = Pasta(self.spec, self.folder, self.launch.outer)
        self._say(pasta=self.pasta.process)
        try:
            self.pasta.wait()
            network.close(self.launch.outer.pid, self.closed, self.closed)
        except SandboxError:
            time.sleep(WATCH)  # it died again, which is seen at once: not in a frenzy
        self.events.register(self.pasta.exited, selectors.EVENT_READ, self._network_died)

    def _watch_memory(self) -> None:
        init = self.state.init
        assert init
        scratch = memory.scratch(init.pid)
        if scratch + memory.resident(init.pid) <= self.spec.memory:
            return
        victim = limits.choose_victim(memory.weights(init.pid), scratch, self.spec.memory)
        if victim and (process := processes.find(victim.pid)) and process.send(signal.SIGKILL):
            share, limit = (f"{size / 2**30:.2g} GiB" for size in (victim.memory, self.spec.memory))
            note = f"{victim.name} was ended: it held {share} when the session had used its {limit} of memory."
            self._say(notes=(*self.state.notes, note))

    def _stop(self) -> None:
        """Ask the session's server to end, wait a little, and end everything."""
        told = self.told_to_end
        if told and self.state.init:
            for server in processes.children(self.state.init.pid):
                with suppress(ProcessLookupError):
                    os.kill(server, signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            while self.launch.exit_code() is None and time.monotonic() < deadline:
                for key, _ in self.events.select(0.05):
                    if key.data == self.log.take:
                        self.log.take()
        self.log.take()
        code = self.launch.exit_code() or 0
        self._end("it was stopped" if told else f"its server ended: {self.log.last_line() or 'without a word'}", code)

    def _end(self, why: str, code: int) -> None:
        sweep.clear(self.run, self.spec.session, self.state)
        self._say(phase="ended", ended=time.time(), why=why, code=code)

    def _say(self, **news: object) -> None:
        self.state = replace(self.state, **news)  # type: ignore[arg-type]
        records.write_state(self.folder, self.state)


def main() -> None:
    """Hold the session of the folder that the command line names, apart from whoever started us."""
    folder = Path(sys.argv[1])
    spec = records.read_spec(folder)
    environment = json.load(sys.stdin)
    if spec is None:
        raise SystemExit(f"{folder} has no spec.json")
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)
    os.setsid()
    os.chdir("/")
    holder = Holder(Run(folder.parents[1]), spec, environment)
    os.write(writer, b"\n")  # there is a state from now on
    os.close(writer)
    holder.hold()


if __name__ == "__main__":
    main()
