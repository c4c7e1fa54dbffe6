"""Start somahub on this machine, or find that it runs; each outcome is a clear state and a clear line."""

from __future__ import annotations

import http.client
import os
import shutil
import time
from pathlib import Path

from somahub import catalog
from somahub.accounts import admin
from somahub.errors import SetupError, SomahubError
from somahub.instance import shipped
from somahub.local import console, listeners, processes, runner, services
from somahub.local.layout import Layout
from somahub.local.supervise import Service, Supervisor
from somahub.local.turns import STARTING, alone
from somahub.local.why import why
from somahub.settings import Settings

# Seconds for the hub to answer its first request; it takes 2 s, more where the machine is busy.
PATIENCE = 120
BEAT = 0.1


def up(settings: Settings) -> int:
    """Start what does not run, start anew what changed, and say where it answers; 0 when it does."""
    began = time.monotonic()
    layout = Layout(settings.data, settings.cache)
    try:
        if fault := layout.fault():
            raise SetupError(fault)
        _folders(layout)
        with alone(layout.run, STARTING):
            return _up(settings, layout, began)
    except SomahubError as error:
        console.fault(str(error), error.mend)
        return 1


def _up(settings: Settings, layout: Layout, began: float) -> int:
    _check_catalog(settings)
    supervisor = Supervisor(layout)
    running = supervisor.process is not None and supervisor.answers
    if running:
        settings = _where_it_runs(settings, supervisor.ports)
    wanted = services.services(settings, layout, os.environ)
    changed = [service for service in wanted if not running or supervisor.digests.get(service.name) != service.digest]
    if not changed and _login_page(settings.port):
        _tell(settings, layout, "somahub is already up")
        return 0
    if not running:
        _sweep(supervisor)
        _check_ports(settings)
    services.write_proxy(settings, layout, anew=not running)
    marks = {service.name: _size(layout, service) for service in wanted}
    with console.step("starting the hub and its proxy"):
        try:
            if running:
                # Nothing changed, and yet no answer: whatever hangs is started anew.
                supervisor.replace(wanted, [service.name for service in changed or wanted])
            else:
                supervisor.start(wanted, dict(ports(settings)))
            _await(settings, layout, supervisor, marks)
        except BaseException:
            supervisor.stop()
            supervisor.forget()
            raise
    # Only now: a password that a failed start has made would never be shown.
    seconds = time.monotonic() - began
    _tell(settings, layout, f"somahub is up ({seconds:.1f} s)", admin.first(settings))
    return 0


def _folders(layout: Layout) -> None:
    for folder in (layout.data, layout.cache, layout.run, layout.log, layout.secrets, layout.sessions):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"{error.filename} could not be made: {error.strerror}", "make up") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SetupError(f"{folder} is not ours to write in", "run it as the user that owns it, or: sudo make up")


def _check_catalog(settings: Settings) -> None:
    """A hub with a broken catalogue would not start: say each fault here, and leave what runs alone."""
    where = settings.profiles or shipped("profiles")
    lines = catalog.check_lines(where, settings.images or shipped("images"))
    if lines:
        raise SetupError("\n".join(lines), "mend it, then run make up again; what runs was left as it is")


def _check_ports(settings: Settings) -> None:
    for setting, port in ports(settings):
        # A moment's patience: a port is freed a little after the process that held it was killed.
        if not processes.wait_until(lambda port=port: listeners.free(port), 1):  # type: ignore[misc]
            holder = listeners.listener(port)
            line = listeners.taken(holder) if holder else f"port {port} cannot be opened by this user"
            raise SetupError(line, listeners.choose(setting, port))


def ports(settings: Settings) -> tuple[tuple[str, int], ...]:
    """The ports of this machine that we open, with the setting of each."""
    named = (("SOMAHUB_PORT", settings.port), ("SOMAHUB_HUB_PORT", settings.hub_port))
    every = (*named, ("SOMAHUB_PROXY_PORT", settings.proxy_port))
    if len({port for _, port in every}) < len(every):
        raise SetupError("SOMAHUB_PORT, SOMAHUB_HUB_PORT and SOMAHUB_PROXY_PORT must differ")
    return every


def _where_it_runs(settings: Settings, there: dict[str, int]) -> Settings:
    """The settings with the ports of what runs; raises SetupError when others are asked for.

    Sessions know the hub by its port, so it cannot move under them.
    """
    known = {}
    for setting, port in ports(settings):
        name = setting.removeprefix("SOMAHUB_").lower()
        running = there.get(setting, port)
        if name in settings.model_fields_set and port != running:
            raise SetupError(f"somahub already runs with {setting}={running}", "make down first, then make up moves it")
        known[name] = running
    return settings.model_copy(update=known)


def _sweep(supervisor: Supervisor) -> None:
    """Remove what a supervisor left that ended without a word; what it started ended with it."""
    if supervisor.process:
        supervisor.stop()
    supervisor.forget()


def _size(layout: Layout, service: Service) -> int:
    try:
        return (layout.log / f"{service.name}.log").stat().st_size
    except FileNotFoundError:
        return 0


def _await(settings: Settings, layout: Layout, supervisor: Supervisor, marks: dict[str, int]) -> None:
    """Wait for the login page; raises SetupError with the reason as soon as a service has failed."""

    def settled() -> bool:
        for name, mark in marks.items():
            if supervisor.state(name) in ("BACKOFF", "EXITED", "FATAL"):
                # The state is known a little before the last words are written.
                time.sleep(BEAT)
                raise SetupError(*_failure(layout, name, mark))
        return supervisor.state(services.HUB) in ("STARTING", "RUNNING") and _login_page(settings.port)

    if not processes.wait_until(settled, PATIENCE, BEAT):
        raise SetupError(
            f"the login page did not answer within {PATIENCE} s", f"read {layout.log}/hub.log, then run make up again"
        )


def _failure(layout: Layout, name: str, mark: int) -> tuple[str, str]:
    with (layout.log / f"{name}.log").open("rb") as log:
        log.seek(mark)
        said = log.read().decode(errors="replace")
    return f"the {name} ended at once: {why(said)}", f"all that it said is in {layout.log}/{name}.log"


def _login_page(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/hub/login")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tell(settings: Settings, layout: Layout, words: str, password: str | None = None) -> None:
    usual = Settings.model_fields["data"].get_default(call_default_factory=True)
    here = "" if layout.data in (usual, Path("/var/lib/somahub")) else f"SOMAHUB_DATA={layout.data} "
    command = f"{here}{_command(layout)}"
    once = f"{password}   shown this once; another: {command} user reset {admin.ADMINISTRATOR}"
    rows = [
        ("open", f"http://127.0.0.1:{settings.port}"),
        ("log in", f"{admin.ADMINISTRATOR}, the administrator"),
        *([("password", once)] if password else []),
        ("people", f"{command} user add NAME"),
        ("data", str(layout.data)),
        ("logs", f"{layout.log}/hub.log"),
        ("stop", f"{here}make down"),
    ]
    console.say(f"\n{words}\n\n{console.table(rows)}\n")


def _command(layout: Layout) -> str:
    """The command `somahub` as a person types it: root's, which runs it as the hub's user, or our own."""
    by_root = os.environ.get("HOME") == str(layout.data)
    return "somahub" if by_root and shutil.which("somahub", path=runner.SYSTEM_PATH) else f"{layout.venv}/bin/somahub"
