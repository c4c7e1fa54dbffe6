"""A session starts, is found, and ends without a trace, whoever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from somahub.errors import SandboxError
from somahub.model import Folder, Hardware, Person, SessionPlan
from somahub.spawners.sandbox import keeper
from somahub.spawners.sandbox.records import read_state
from somahub.spawners.sandbox.sessions import End, Ground, PortTakenError, Sessions
from tests.sandbox.house import Desk, House, eventually, free_port

BOMB = """
import os, time
while True:
    if os.fork() == 0:
        time.sleep(1000)
"""


def test_a_stopped_session_leaves_nothing(house: House) -> None:
    """After stop no process, mount or file of a session is left, not even of a job that went its own way."""
    before = house.left()
    desk = house.start("ada")
    desk.run("setsid nohup sleep 1000 >/dev/null 2>&1 & mkfifo /tmp/pipe; touch /dev/shm/big")
    assert len(house.left()["processes"]) >= 5
    assert house.left()["mounts of the keeper"]
    end = desk.stop()
    assert (end.why, end.person) == ("it was stopped", "ada")
    assert house.left() == before
    assert not _listens(desk.port)


def test_mounts_are_never_seen_on_the_host(house: House, ada: Desk) -> None:
    """What is mounted for a session is in the keeper's namespace alone."""
    assert house.left()["mounts of the host"] == []


@pytest.mark.parametrize("victim", ["holder", "bwrap", "init"])
def test_whoever_is_killed_takes_the_session_along(house: House, victim: str) -> None:
    """kill -9 of any of its processes ends a session whole, and its end is known."""
    before = house.left()
    desk = house.start("ada")
    desk.run("setsid nohup sleep 1000 >/dev/null 2>&1 &")
    process = getattr(desk.state, victim)
    os.kill(process.pid, signal.SIGKILL)
    end = eventually(lambda: house.call("end", desk.name))
    assert isinstance(end, End)
    assert end.why.startswith("its holder was ended" if victim == "holder" else "its server ended")
    house.call("forget", desk.name)
    assert eventually(lambda: house.left() == before), house.left()


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.02, 0.03, 0.05, 0.08])
def test_a_holder_killed_while_it_starts_leaves_nothing(house: House, delay: float) -> None:
    """kill -9 at whatever moment of the start: no process of the session is left, and its command never ran on."""
    before = house.left()
    plan = house.plan("eve", port := free_port())
    house.do(_kill_holder_of_start, house.sessions, house.ground(), plan, port, delay)
    assert isinstance(eventually(lambda: house.call("end", plan.session)), End)
    house.call("forget", plan.session)
    assert eventually(lambda: house.left() == before), (before, house.left())


async def _kill_holder_of_start(sessions: Sessions, ground: Ground, plan: SessionPlan, port: int, delay: float) -> None:
    start = asyncio.create_task(sessions.start(plan, ground, port, {}, "/", 20))
    folder = sessions.run.session(plan.session)
    while (state := read_state(folder)) is None:  # noqa: ASYNC110 - what another process writes rings no bell here
        await asyncio.sleep(0.001)
    await asyncio.sleep(delay)
    state.holder.send(signal.SIGKILL)
    with contextlib.suppress(SandboxError):
        await start


def test_the_network_comes_back(house: House) -> None:
    """kill -9 of pasta: the session goes on, and is in reach again at once, no wider than before."""
    desk = house.start("ada")
    pasta = desk.state.pasta
    assert pasta
    os.kill(pasta.pid, signal.SIGKILL)
    assert eventually(lambda: desk.state.pasta != pasta)
    assert eventually(lambda: _listens(desk.port))
    code, said = desk.run("ip route get 169.254.169.254")
    assert code != 0, said
    assert desk.stop().why == "it was stopped"


def test_a_killed_keeper_is_followed_by_another(house: House, ada: Desk) -> None:
    """kill -9 of the keeper: sessions go on, and buckets shown later still appear in them."""
    old = house.do(keeper.ensure, house.sessions.run)
    os.kill(old.pid, signal.SIGKILL)
    assert eventually(lambda: not old.alive)
    new = house.do(keeper.ensure, house.sessions.run)
    assert new.pid != old.pid
    assert ada.run("echo still here > ~/buckets/mine/note")[0] == 0
    bob = house.start("bob")
    assert bob.run("cat ~/buckets/mine/note")[0] != 0
    bob.stop()


def test_a_session_outlives_who_started_it(house: House) -> None:
    """The hub's process may die: the session's holder has no parent but the first process, and is found again."""
    desk = house.start("eve")
    parent = Path(f"/proc/{desk.state.holder.pid}/stat").read_text().rpartition(")")[2].split()[1]
    assert parent != str(house.worker.pid)
    assert house.call("find", "eve", "") == [desk.name]
    assert house.call("end", desk.name) is None
    desk.stop()


def test_two_servers_of_one_person_share_the_home(house: House, ada: Desk) -> None:
    """Named servers see the same files, and collide in nothing: each may be display :1."""
    second = house.start("ada", "second")
    claim = "mkdir -p /tmp/.X11-unix && python3 -c 'import socket; socket.socket(1).bind(\"/tmp/.X11-unix/X1\")'"
    for desk in (ada, second):
        assert desk.run(f"rm -f /tmp/.X11-unix/X1; {claim}") == (0, "")
    ada.run("echo shared > ~/note")
    assert second.run("cat ~/note") == (0, "shared\n")
    assert house.call("find", "ada", "second") == [second.name]
    second.stop()
    assert ada.run("cat ~/note") == (0, "shared\n")


def test_a_bucket_appears_and_goes_while_the_session_runs(house: House, ada: Desk) -> None:
    """A share given later is there at once, read-only where it is so, and gone when it is taken."""
    shared = house.data / "buckets" / "lab"
    house.do(_fill, shared)
    folder = Folder("lab", "lab", "read")
    house.call("show", ada.name, Person("ada", "ada"), folder)
    assert ada.run("cat ~/buckets/lab/data") == (0, "measured\n")
    assert ada.run("touch ~/buckets/lab/data")[0] != 0
    assert "Too many levels" in ada.run("cat ~/buckets/lab/link")[1]
    house.call("hide", ada.name, folder)
    assert ada.run("cat ~/buckets/lab/data")[0] != 0
    assert (shared / "data").read_text() == "measured\n"


def test_a_taken_port_is_said(house: House) -> None:
    """A port that somebody else listens on is a clear error, and nothing is left of the attempt."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            house.start("ada", port=port)


def test_a_server_that_ends_at_once_says_why(house: House) -> None:
    """The error has the last thing that the session's server said."""
    with pytest.raises(SandboxError, match=r"No such file"):
        house.start("ada", command=("/opt/somahub/session/bin/absent",))
    with pytest.raises(SandboxError, match="I cannot start today"):
        house.start("ada", command=("sh", "-c", "echo I cannot start today; exit 3"))


def test_a_missing_environment_is_said(house: House) -> None:
    """A session does not start on an environment that is not there, and the error names it."""
    house.environment.rename(house.data / "elsewhere")
    try:
        with pytest.raises(SandboxError, match="the environment environment is not built"):
            house.start("ada")
    finally:
        (house.data / "elsewhere").rename(house.environment)


def test_memory_has_a_limit(house: House) -> None:
    """A program that takes more than the session's memory is ended, the session goes on, and a line says so."""
    desk = house.start("ada", hardware=Hardware("tiny", "Tiny", 1, 256 << 20))
    code, _ = desk.run("python3 -c 'import time; hog = bytearray(400 << 20); time.sleep(30)'")
    assert code == -signal.SIGKILL % 256 or code in (-signal.SIGKILL, 137)
    (note,) = house.call("notes", desk.name)
    assert re.match(r"python3 was ended: it held 0\.\d+ GiB when the session had used its 0\.25 GiB of memory", note)
    desk.stop()


def test_memory_in_no_folder_and_no_process_counts(house: House) -> None:
    """What is written into a nameless file and never mapped is nobody's to the kernel, and yet its writer's."""
    desk = house.start("ada", hardware=Hardware("tiny", "Tiny", 1, 256 << 20))
    fill = "import os, time; f = os.memfd_create('x'); [os.write(f, bytes(1 << 20)) for _ in range(400)]; time.sleep(9)"
    code, _ = desk.run(f'python3 -c "{fill}"')
    assert code in (-signal.SIGKILL % 256, -signal.SIGKILL, 137)
    (note,) = house.call("notes", desk.name)
    assert note.startswith("python3 was ended")
    desk.stop()


def test_a_fork_bomb_stays_in_its_session(house: House, bob: Desk) -> None:
    """Whoever starts processes without end gets no more than 4096, and others go on working."""
    desk = house.start("ada")
    desk.python(
        f"import subprocess; subprocess.Popen(['python3', '-c', {BOMB!r}], stderr=open('/tmp/said', 'w'), stdout=-3)"
    )
    assert desk.state.init
    said = Path(f"/proc/{desk.state.init.pid}/root/tmp/said")
    assert eventually(lambda: "Resource temporarily unavailable" in said.read_text())
    assert bob.run("echo works") == (0, "works\n")
    desk.stop()


def test_a_session_runs_on_as_many_cores_as_it_has(house: House, ada: Desk) -> None:
    """Programs see the number of cores that the session's hardware has."""
    assert ada.run("nproc") == (0, "1\n")


def test_what_a_session_says_is_kept_to_a_size(house: House, ada: Desk) -> None:
    """A server that talks without end does not fill the disk."""
    ada.run("head -c 8000000 /dev/zero | tr '\\\\0' x > /proc/2/fd/1")
    sizes = [log.stat().st_size for log in house.sessions.run.session(ada.name).glob("log*")]
    assert sum(sizes) < 4 << 20


def test_records_hold_no_secret(house: House, ada: Desk) -> None:
    """No token is in a record, a log, or any process's words on the host."""
    for file in house.sessions.run.session(ada.name).rglob("*"):
        assert file.is_dir() or b"secret-of-ada" not in file.read_bytes(), file
    words = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(b"secret-of-ada" in one for one in words)
    assert ada.run("echo $TOKEN") == (0, "secret-of-ada\n")


def test_only_named_ports_of_the_host_are_in_reach(house: House) -> None:
    """A session reaches the hub's port and no other of the host's loopback."""
    with _Server() as hub, _Server() as other:
        desk = house.start("ada", host_ports=(hub.port,))
        assert desk.run(f"curl -s -m 3 http://127.0.0.1:{hub.port}/") == (0, "hello")
        assert desk.run(f"curl -s -m 3 http://127.0.0.1:{other.port}/")[0] != 0
        desk.stop()


class _Server:
    """A service on the host's loopback."""

    def __enter__(self) -> _Server:
        class Hello(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, *words: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Hello)  # noqa: S104 - as careless as it gets
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _fill(bucket: Path) -> None:
    bucket.mkdir(parents=True)
    (bucket / "data").write_text("measured\n")
    (bucket / "link").symlink_to("/etc/passwd")


@pytest.fixture(scope="module")
def island() -> Iterator[House]:
    house = House(alone=True)
    yield house
    house.close()


def test_a_session_starts_without_a_network(island: House) -> None:
    """A workstation that is offline runs sessions all the same."""
    desk = island.start("ada")
    assert desk.run("echo works") == (0, "works\n")
    desk.stop()


def test_names_are_resolved_by_the_hosts_resolver(island: House) -> None:
    """A name is answered by the host's resolver, also one that listens on the host's loopback alone."""
    island.do(_serve_names, island.data / "resolv.conf")
    desk = island.start("ada")
    assert desk.run("getent ahostsv4 camera.lab.example")[1].split()[0] == "192.0.2.77"
    desk.stop()


def _serve_names(file: Path) -> None:
    file.write_text("nameserver 127.0.0.1\n")
    _host("mount", "--bind", str(file), "/etc/resolv.conf")
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resolver.bind(("127.0.0.1", 53))
    threading.Thread(target=_resolve, args=(resolver,), daemon=True).start()


def _resolve(resolver: socket.socket) -> None:
    """Answer every question for an IPv4 address with 192.0.2.77, every other with nothing."""
    while True:
        asked, who = resolver.recvfrom(512)
        question = asked[12 : asked.index(b"\0", 12) + 5]
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x4d" if question[-3] == 1 else b""
        counts = bytes((0, 1, 0, bool(answer), 0, 0, 0, 0))
        resolver.sendto(asked[:2] + b"\x81\x80" + counts + question + answer, who)


def test_an_address_that_the_host_gets_later_is_closed(island: House) -> None:
    """When the host's addresses change, what is closed follows within a moment, and opens when they go."""
    desk = island.start("ada")
    _, before = desk.run("ip -4 route show type blackhole")
    island.do(_host, "ip", "addr", "add", "10.77.0.1/32", "dev", "lo")
    assert eventually(lambda: "blackhole 10.77.0.1" in desk.run("ip -4 route show type blackhole")[1])
    island.do(_host, "ip", "addr", "del", "10.77.0.1/32", "dev", "lo")
    assert eventually(lambda: desk.run("ip -4 route show type blackhole")[1] == before)
    desk.stop()


def _host(*words: str) -> None:
    subprocess.run(words, check=True)


def test_a_holder_loads_nothing_that_is_not_pythons_own() -> None:
    """It starts in an instant and stays small, because a session's first frame waits for it."""
    script = "import sys, somahub.spawners.sandbox.holder; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(subprocess.check_output([sys.executable, "-I", "-c", script], text=True).split())
    assert loaded - sys.stdlib_module_names <= {"somahub", "__main__", "__mp_main__"} | _from_site()


def _from_site() -> set[str]:
    """What any Python loads here, before anything of ours."""
    script = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    return set(subprocess.check_output([sys.executable, "-I", "-c", script], text=True).split())
