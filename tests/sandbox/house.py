"""Real sandboxes for tests: a data folder, a worker that is the unprivileged user, and obedient sessions."""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import inspect
import json
import multiprocessing
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from somahub.model import App, Folder, Hardware, Person, SessionPlan
from somahub.spawners.sandbox import keeper, kernel
from somahub.spawners.sandbox.records import State, read_state
from somahub.spawners.sandbox.sessions import End, Ground, Sessions
from tests.somahub_under_test import hub_user

SMALL = Hardware("small", "Small", 1, 1 << 30)
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
# A session's server: it answers, and runs what it is sent in a shell.
AGENT = """
import http.server, json, subprocess, sys
class Agent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        words = self.rfile.read(int(self.headers["Content-Length"])).decode()
        done = subprocess.run(["bash", "-c", words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps([done.returncode, done.stdout.decode(errors="replace")]).encode())
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Agent).serve_forever()
"""


@dataclass
class Desk:
    """A running session and the way into it."""

    house: House
    plan: SessionPlan
    port: int

    @property
    def name(self) -> str:
        return self.plan.session

    @property
    def state(self) -> State:
        state = read_state(self.house.sessions.run.session(self.name))
        assert state
        return state

    def run(self, words: str) -> tuple[int, str]:
        """Run shell words inside: exit status, and all that was said."""
        code, said = self.house.do(_send, self.port, words)
        return code, said

    def python(self, source: str, *words: str) -> tuple[int, str]:
        """Run Python inside."""
        return self.run(shlex.join(["python3", "-c", source, *words]))

    def stop(self) -> End:
        self.house.call("stop", self.name)
        end = self.house.call("end", self.name)
        assert isinstance(end, End)
        self.house.call("forget", self.name)
        return end


@dataclass
class House:
    """A machine's data and its sessions, driven as the unprivileged user that somahub runs as."""

    alone: bool = False  # on a machine without any network: its worker has one of its own
    data: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="somahub-house-", dir="/var/tmp")))

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.data)
        self.user = _user()
        self.environment = self.data / "environment"
        self.environment.mkdir()
        (self.environment / "marker").write_text("an environment\n")
        self.data.chmod(0o755)
        for path in (self.data, self.environment, self.environment / "marker"):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        context = multiprocessing.get_context("fork")
        self.line, theirs = context.Pipe()
        self.worker = context.Process(
            target=_work, args=(theirs, self.line, self.user, self.alone, self.sessions), daemon=True
        )
        self.worker.start()

    def call(self, what: str, *words: Any, **more: Any) -> Any:
        """Call a method of :class:`Sessions` as the unprivileged user."""
        return self._ask((what, words, more))

    def do(self, action: Callable[..., Any], *words: Any) -> Any:
        """Call a function as the unprivileged user."""
        return self._ask((action, words, {}))

    def _ask(self, order: tuple[Any, ...]) -> Any:
        self.line.send(order)
        good, answer = self.line.recv()
        if good:
            return answer
        raise answer

    def start(
        self,
        person: str,
        server: str = "",
        *,
        hardware: Hardware = SMALL,
        port: int = 0,
        command: tuple[str, ...] = (),
        host_ports: tuple[int, ...] = (),
        folders: tuple[str, ...] = (),
    ) -> Desk:
        """Start a session whose server does what it is told, or ``command``."""
        port = port or free_port()
        plan = self.plan(person, port, server, hardware, folders)
        if command:
            plan = replace(plan, command=command)
        secrets = {"TOKEN": f"secret-of-{person}"}
        self.call("start", plan, self.ground(host_ports), port, secrets, "/", 20.0)
        return Desk(self, plan, port)

    def plan(
        self, person: str, port: int, server: str = "", hardware: Hardware = SMALL, folders: tuple[str, ...] = ()
    ) -> SessionPlan:
        """A session whose server does what it is told."""
        return SessionPlan(
            session=f"{person}-{server or 'desk'}-{port}",
            person=Person(person, person),
            server=server,
            profile="test@0",
            app=App("notebook", "0" * 12),
            hardware=hardware,
            opens="desktop",
            folders=(Folder(f"own-{person}", "mine", "write"), *(Folder(name, name, "read") for name in folders)),
            environment=(("SOMAHUB_APP", "notebook"),),
            command=("python3", "-c", AGENT, str(port)),
        )

    def ground(self, host_ports: tuple[int, ...] = ()) -> Ground:
        """Stands on an environment with nothing in it."""
        return Ground(self.environment, self.environment, host_ports)

    def left(self) -> dict[str, list[str]]:
        """All that there is of sessions on this machine, by kind; the keeper is not a session's."""
        members = {pid: words for pid in _pids() if (words := self._words_of_ours(pid))}
        kept = self.do(keeper.running, self.sessions.run)
        shown = Path(f"/proc/{kept.pid}/mountinfo").read_text() if kept else ""
        base = len(self.sessions.run.folder.parts)
        return {
            "processes": [words for pid, words in members.items() if not kept or pid != kept.pid],
            "mounts of the host": [line for line in _lines("/proc/self/mountinfo") if str(self.data) in line],
            "mounts of the keeper": [line for line in shown.splitlines() if f"{self.sessions.run.folders}/" in line],
            "files": ["/".join(path.parts[base:]) for path in sorted(self.sessions.run.folder.glob("*/*"))],
        }

    def _words_of_ours(self, pid: int) -> str:
        """The name of a process that has to do with this house's data, in its words or in its mounts."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/mountinfo").read_bytes()
            ours = str(self.data).encode() in words and pid not in (self.worker.pid, os.getpid())
            return Path(f"/proc/{pid}/comm").read_text().strip() if ours else ""
        except OSError:
            return ""  # it ended while we looked

    def close(self) -> None:
        """End everything and remove the data."""
        try:
            self.call("stop_all")
        finally:
            self.line.close()
            self.worker.join(10)
        shutil.rmtree(self.data)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def eventually(probe: Callable[[], Any], seconds: float = 15) -> Any:
    """The first true answer of ``probe``; its last answer when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def _user() -> pwd.struct_passwd:
    return pwd.getpwnam(hub_user()) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _work(line: Connection, other_end: Connection, user: pwd.struct_passwd, alone: bool, sessions: Sessions) -> None:
    """The worker: takes orders as the unprivileged user until nobody gives any."""
    other_end.close()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    if alone:
        _leave_network()
    while True:
        try:
            what, words, more = line.recv()
        except EOFError:
            return
        try:
            answer = (getattr(sessions, what) if isinstance(what, str) else what)(*words, **more)
            line.send((True, asyncio.run(answer) if inspect.iscoroutine(answer) else answer))
        except Exception as error:
            line.send((False, error))


def _leave_network() -> None:
    """Be root of a machine without a network, whose mounts and limits are its own."""
    outside, group = os.geteuid(), os.getegid()
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: whoever gave up being root may not write its map else
    kernel.leave(kernel.CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWNS)
    Path("/proc/self/uid_map").write_text(f"0 {outside} 1")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _send(port: int, words: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/", body=words.encode())
        code, said = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return code, said


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines()
