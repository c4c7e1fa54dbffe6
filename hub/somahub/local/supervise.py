"""The processes that make up somahub on one machine, kept running by supervisord.

Sessions are not among them: their holders live on when the hub, the proxy or supervisord itself ends.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import supervisor
from supervisor.xmlrpc import SupervisorTransport

from somahub.errors import SetupError
from somahub.local import processes
from somahub.local.layout import Layout
from somahub.spawners.sandbox.processes import Process, find

# Bytes of a log before it is put aside, and how many are kept so.
LOG_BYTES = 10_000_000
LOGS_KEPT = 5
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Service:
    """One supervised process. ``stamp`` says what else its behaviour depends on, such as a file that it reads."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    stamp: str = ""

    @property
    def digest(self) -> str:
        """Changes with anything that makes a restart worth while."""
        said = [self.name, self.command, sorted(self.environment.items()), str(self.folder), self.stamp]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def tools() -> Path:
    """The folder of the programs that came with our dependencies: traefik, supervisord."""
    return Path(supervisor.__file__).parents[4] / "bin"


def configuration(services: Iterable[Service], layout: Layout) -> str:
    """supervisord's configuration. Pure."""
    sections = [
        _section(
            "supervisord",
            nodaemon="true",
            silent="true",
            logfile=layout.log / "supervisor.log",
            logfile_maxbytes=LOG_BYTES,
            logfile_backups=LOGS_KEPT,
            loglevel="info",
            pidfile=layout.run / "supervisor.pid",
            childlogdir=layout.log,
            directory="/",
            umask="077",
        ),
        _section("unix_http_server", file=layout.control, chmod="0700"),
        _section(
            "rpcinterface:supervisor",
            **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    return "\n".join([*sections, *(_program(service, layout) for service in services)])


def _program(service: Service, layout: Layout) -> str:
    return _section(
        f"program:{service.name}",
        # Ended with supervisord, even by a signal that it cannot catch: else its port stays taken.
        command=_words("setpriv", "--pdeathsig", "KILL", "--", *service.command),
        environment=",".join(f"{name}={_value(value)}" for name, value in sorted(service.environment.items())),
        directory=service.folder,
        umask="077",
        autorestart="true",
        startsecs=3,
        # Whatever ended it may be over in a minute (a full disk), so it is tried for days, ever more slowly.
        startretries=1000,
        stopwaitsecs=STOP_SECONDS,
        stopsignal="TERM",
        stopasgroup="false",
        redirect_stderr="true",
        stdout_logfile=layout.log / f"{service.name}.log",
        stdout_logfile_maxbytes=LOG_BYTES,
        stdout_logfile_backups=LOGS_KEPT,
    )


def _section(title: str, **lines: object) -> str:
    text = "".join(f"{name}={str(value).replace('%', '%%')}\n" for name, value in lines.items())
    return f"[{title}]\n{text}"


def _words(*words: str) -> str:
    """A command as supervisord splits it, which is as a shell does."""
    return " ".join(f"'{word}'" if set(word) & set(' ;#"\\') else word for word in words)


def _value(value: str) -> str:
    """A value of the environment; supervisord knows two quotes, no way to write one inside itself, and strips both."""
    for quote in ('"', "'"):
        if quote not in value and "\n" not in value and value == value.strip("\"'"):
            return f"{quote}{value}{quote}"
    raise SetupError(f"a setting must be one line, with quotes of one kind at most and inside it, got {value!r}")


class Supervisor:
    """supervisord, as it runs or will run below ``layout``."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @property
    def process(self) -> Process | None:
        """The supervisor that the last start began, if it still runs."""
        return processes.recorded(self._said().get("supervisor"))

    @property
    def digests(self) -> dict[str, str]:
        """What each service was last started with."""
        return dict(self._said().get("services", {}))

    @property
    def ports(self) -> dict[str, int]:
        """The ports that it was started with, by the name of their setting."""
        return dict(self._said().get("ports", {}))

    def start(self, services: Iterable[Service], ports: Mapping[str, int]) -> None:
        """Start supervisord, and the services by it; raises SetupError when it does not answer."""
        every = tuple(services)
        self._write(configuration(every, self.layout))
        self.layout.control.unlink(missing_ok=True)
        with (self.layout.log / "supervisor.out").open("w") as out:
            child = subprocess.Popen(
                [tools() / "python", "-m", "supervisor.supervisord", "-c", str(self.layout.supervisor)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ["PATH"], "HOME": str(self.layout.data), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        process = find(child.pid)
        self._note(every, process, ports)
        if not processes.wait_until(lambda: self.answers or child.poll() is not None, 15) or child.poll() is not None:
            lines = Path(out.name).read_text().strip().splitlines()
            raise SetupError(f"the supervisor did not start: {lines[-1] if lines else 'it said nothing'}")

    def replace(self, services: Iterable[Service], names: Iterable[str]) -> None:
        """Take up a new configuration, and start the services ``names`` anew by it; the others run on."""
        every = tuple(services)
        self._write(configuration(every, self.layout))
        self._tell("reloadConfig")
        for name in names:
            for order in ("stopProcessGroup", "removeProcessGroup", "addProcessGroup"):
                self._tell(order, name)
        self._note(every, self.process, self.ports)

    def stop(self) -> None:
        """End supervisord, and its services by it."""
        if process := self.process:
            processes.end([process], 2 * STOP_SECONDS + 5)

    def forget(self) -> None:
        """Remove what only a running supervisor needs."""
        for file in (
            self.layout.control,
            self.layout.started,
            self.layout.run / "supervisor.pid",
            self.layout.supervisor,
        ):
            file.unlink(missing_ok=True)

    @property
    def answers(self) -> bool:
        """Whether it takes orders."""
        try:
            return bool(self._tell("getState")["statename"] == "RUNNING")
        except SetupError:
            return False

    def state(self, name: str) -> str:
        """A service's state in supervisord's words: STARTING, RUNNING, BACKOFF, STOPPED, EXITED, FATAL."""
        return str(self._tell("getProcessInfo", name)["statename"])

    def pid(self, name: str) -> int:
        """The process number of a service, 0 while it has none."""
        return int(self._tell("getProcessInfo", name)["pid"])

    def _tell(self, order: str, *words: str) -> Any:
        """Give supervisord an order over its socket; raises SetupError when it is not carried out."""
        transport = SupervisorTransport(None, None, f"unix://{self.layout.control}")
        api = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
        try:
            return getattr(api, order)(*words)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            line = f"the supervisor did not carry out {' '.join([order, *words])}: {error}"
            raise SetupError(line, f"read {self.layout.log}/supervisor.log, then make down and make up") from error

    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self.layout.started.read_text())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _note(self, services: Iterable[Service], process: Process | None, ports: Mapping[str, int]) -> None:
        said = {
            "supervisor": {"pid": process.pid, "start": process.start} if process else {},
            "services": {service.name: service.digest for service in services},
            "ports": dict(ports),
        }
        put(self.layout.started, json.dumps(said))

    def _write(self, text: str) -> None:
        put(self.layout.supervisor, text)


def put(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    new = file.with_name(f"{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    new.replace(file)
