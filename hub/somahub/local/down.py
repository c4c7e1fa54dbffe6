"""Stop somahub on this machine, sessions too, and see that nothing of it is left; people's files stay."""

from __future__ import annotations

from somahub import environments
from somahub.errors import SetupError, SomahubError
from somahub.local import console, processes
from somahub.local.layout import Layout
from somahub.local.supervise import Supervisor
from somahub.local.turns import STARTING, alone
from somahub.settings import Settings
from somahub.spawners.sandbox import keeper, records, sweep
from somahub.spawners.sandbox.processes import Process
from somahub.spawners.sandbox.records import Run, State

# Seconds for a session to end by itself before it is ended.
SESSION_SECONDS = 10


def down(settings: Settings) -> int:
    """Stop everything; 0 when nothing is left, whether or not anything ran."""
    layout = Layout(settings.data, settings.cache)
    if not layout.run.is_dir():
        console.say(f"somahub is not running with its data in {layout.data}.")
        return 0
    try:
        with alone(layout.run, STARTING):
            _down(layout)
    except SomahubError as error:
        console.fault(str(error), error.mend)
        return 1
    return 0


def _down(layout: Layout) -> None:
    supervisor, run = Supervisor(layout), Run(layout.run)
    ran = supervisor.process is not None
    stopped = end_sessions(run)
    supervisor.stop()
    # Again: the hub may have started one while the first were ended.
    stopped += end_sessions(run)
    builds = environments.halt(layout.cache)
    keeper.stop(run)
    supervisor.forget()
    _verify(layout)
    if not ran and not stopped:
        console.say("somahub was not running; nothing of it is left.")
        return
    also = f", {len(builds)} unfinished builds" if builds else ""
    console.say(
        f"stopped {stopped} session{'' if stopped == 1 else 's'}{also}, the hub and its proxy; nothing is left running."
    )
    console.say(f"everything people made is in {layout.data}; make up finds it as it was.")


def end_sessions(run: Run) -> int:
    """End every session that runs, and what is left of one whose holder was killed; returns how many there were."""
    there = [(name, state) for name in run.sessions() if (state := records.read_state(run.session(name)))]
    live = [(name, state) for name, state in there if any(process.alive for process in _processes(state))]
    processes.end([state.holder for _, state in live], SESSION_SECONDS)
    for name, state in live:
        sweep.clear(run, name, records.read_state(run.session(name)) or state)
    return len(live)


def _processes(state: State) -> list[Process]:
    return [process for process in (state.holder, state.bwrap, state.init, state.pasta) if process]


def _verify(layout: Layout) -> None:
    """Every process of ours names our run folder in its command line; none may be left."""
    processes.end(_left(layout), 2)
    if left := _left(layout):
        numbers = " ".join(str(process.pid) for process in left)
        raise SetupError(f"these processes did not end: {numbers}", f"kill -9 {numbers}")


def _left(layout: Layout) -> list[Process]:
    return [process for process in processes.naming(layout.run) if processes.ours(process)]
