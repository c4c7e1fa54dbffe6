"""The small parts of a machine's life cycle, against the real system."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from somahub.local import listeners, packages, processes, runner, secrets, trees
from somahub.local.layout import Layout, from_environment
from somahub.local.venvs import reason
from somahub.local.why import why
from somahub.spawners.sandbox.processes import Process, find

LOGS = [
    ("", "it ended without a word"),
    ("[I 2026-01-01 JupyterHub app] fine\n[C 2026-01-01 JupyterHub app:1] Port is gone\n", "Port is gone"),
    (
        "Traceback (most recent call last):\n  File\nOSError: [Errno 98] Address already in use\n",
        "OSError: [Errno 98] Address already in use",
    ),
    (
        "[E 2026 JupyterHub app]\n    Traceback (most recent call last):\n"
        "    somahub.errors.CatalogError: a.yaml: no title\n    b.yaml: no app\n    \n",
        "a.yaml: no title\nb.yaml: no app",
    ),
    ("some words\nlast words\n", "last words"),
]


@pytest.mark.parametrize(("log", "line"), LOGS)
def test_why_a_hub_ended_is_one_line_of_its_log(log: str, line: str) -> None:
    assert why(log) == line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "error: Failed to fetch: `https://x`\n  Caused by: dns error\n",
            "error: Failed to fetch: `https://x` Caused by: dns error",
        ),
        ("one\ntwo\n", "two"),
        ("", "it ended with status 3"),
    ],
)
def test_why_a_build_failed_is_one_line(said: str, line: str) -> None:
    assert reason(said, 3) == line


def test_a_process_is_ended_even_when_it_does_not_listen() -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout
        deaf.stdout.readline()
        process = find(deaf.pid)
        assert process
        processes.end([process], 0.2)
        assert deaf.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize(
    "record", [None, {}, {"pid": "1"}, {"pid": 1}, {"pid": 1, "start": "x"}, [], {"pid": 2**40, "start": ""}]
)
def test_a_record_that_means_no_running_process_is_nobody(record: object) -> None:
    assert processes.recorded(record) is None


def test_a_record_of_a_running_process_is_that_process() -> None:
    me = find(os.getpid())
    assert me
    assert processes.recorded({"pid": me.pid, "start": me.start}) == me
    assert not Process(me.pid, "0:0").alive


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sleep", "600", "{}/run/spec.json"], True),
        (["sleep", "600", "--config={}/traefik.toml"], True),
        (["sleep", "600", "{}"], False),
        (["sleep", "600", "{}-other/x"], False),
        (["sh", "-c", "sleep 600; cat {}/x"], False),
    ],
)
def test_a_process_is_known_by_a_path_in_its_command_line(tmp_path: Path, words: list[str], found: bool) -> None:
    said = [word.format(tmp_path) for word in ["python3", "-c", "import time; time.sleep(600)", *words]]
    with subprocess.Popen(said) as process:
        processes.wait_until(lambda: processes.words(process.pid) == said, 5)
        assert (process.pid in [one.pid for one in processes.naming(tmp_path)]) == found
        process.kill()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104  what others may do
def test_who_holds_a_port_is_seen_on_every_address_that_covers_ours(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family, dualstack_ipv6=family == socket.AF_INET6) as server:
        holder = listeners.listener(server.getsockname()[1])
    assert holder
    assert (holder.pid, holder.uid) == (os.getpid(), os.getuid())


def test_a_free_port_has_no_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not listeners.free(port)
    assert listeners.free(port)
    assert listeners.listener(port) is None


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "key"
    key = secrets.of(file)
    assert secrets.of(file) == key
    assert len(key) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key"]


def test_the_digest_of_a_tree_follows_what_is_built_from_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    source = tmp_path / "hub" / "a.py"
    source.write_text("1")
    first = trees.digest(tmp_path, ["hub"])
    (tmp_path / "hub" / "__pycache__").mkdir()
    (tmp_path / "hub" / "__pycache__" / "a.pyc").write_text("made")
    (tmp_path / "elsewhere").write_text("2")
    assert trees.digest(tmp_path, ["hub"]) == first
    source.chmod(0o755)
    runs = trees.digest(tmp_path, ["hub"])
    source.write_text("2")
    assert len({first, runs, trees.digest(tmp_path, ["hub"])}) == 3


def test_what_a_less_trusted_user_packed_cannot_leave_its_place(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("../out", "/etc/out", "artifacts/../../out", "other/file", "artifacts/shot.png"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            archive.addfile(entry, io.BytesIO(b"hi"))
        link = tarfile.TarInfo("artifacts/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    into = tmp_path / "checkout"
    assert trees.unpack(buffer.getvalue(), into, ["artifacts"]) == [into / "artifacts/shot.png"]
    assert [path.name for path in tmp_path.rglob("*") if not path.is_dir()] == ["shot.png"]


def test_a_list_of_packages_is_one_a_line_with_why() -> None:
    wanted = packages.wanted(packages.system_list())
    assert "bubblewrap" in wanted
    assert all(name == name.strip() and "#" not in name and " " not in name for name in wanted)


def test_every_program_that_we_call_comes_from_a_listed_package() -> None:
    assert set(packages.PROGRAMS.values()) <= set(packages.wanted(packages.system_list()))


def test_what_apt_says_is_told_by_its_first_error() -> None:
    assert packages.apt_reason("Reading…\nE: Unable to locate package x\nE: more\n") == "Unable to locate package x"


@pytest.mark.parametrize(
    ("environment", "root", "data"),
    [
        ({}, True, "/var/lib/somahub"),
        ({"HOME": "/home/anna"}, False, "/home/anna/.local/share/somahub"),
        ({"HOME": "/home/anna", "SOMAHUB_DATA": "/disk/lab"}, False, "/disk/lab"),
    ],
)
def test_where_the_data_lies_by_default_and_as_said(environment: dict[str, str], root: bool, data: str) -> None:
    assert from_environment(environment, root).data == Path(data)


@pytest.mark.parametrize("data", ["relative", "/srv/" + "x" * 90, "/srv/a'b", "/srv/100%"])
def test_a_folder_that_cannot_work_is_said_before_anything_starts(data: str) -> None:
    assert Layout(Path(data), Path("/cache")).fault()
    assert Layout(Path("/var/lib/somahub"), Path("/var/cache/somahub")).fault() is None


def test_what_runs_as_the_hubs_user_knows_how_to_reach_the_registry_and_nothing_secret() -> None:
    caller = {
        "PIP_INDEX_URL": "https://mirror",
        "HTTPS_PROXY": "http://p",
        "SECRET": "x",
        "SOMAHUB_PORT": "1",
        "HOME": "/root",
    }
    told = runner.runner(None, caller, Path("/var/empty"), Path("/cache")).environment
    assert told["PIP_INDEX_URL"] == "https://mirror"
    assert told["HTTPS_PROXY"] == "http://p"
    assert told["SOMAHUB_PORT"] == "1"
    assert told["HOME"] == "/var/empty"
    assert "SECRET" not in told
