"""The keeper: one user and mount namespace for as long as somahub runs, or any session does.

What is mounted in it is never seen on the host and vanishes with it. Below ``run/folders`` its mounts are shared, so a
bucket mounted there appears in the running sandbox of its session, and goes when it is unmounted.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from somahub.errors import SandboxError
from somahub.spawners.sandbox import processes, records
from somahub.spawners.sandbox.processes import Process
from somahub.spawners.sandbox.programs import ENVIRONMENT, program
from somahub.spawners.sandbox.records import Mount, Run

# It stays when it is told that it is on record; where its starter was killed before, it goes.
_STAY = "echo ready && read -r _ && exec -a somahub-keeper sleep infinity </dev/null >/dev/null 2>&1"
_MAKE = f'mount --bind "$1" "$1" && mount -o "remount,bind,$2" "$1" && mount --make-shared "$1" && {_STAY}'
# The options are given to a mount that nobody sees yet: they would not follow it once it is shown.
_SHOW = (
    'mount --bind "$1" "$2" && mount -o "remount,bind,$4" "$2" && mount --bind "$2" "$3"; '
    'code=$?; umount "$2" 2>/dev/null; exit $code'
)
_RESTRICTED = (
    "this machine does not let ordinary users make user namespaces, which sessions are made of",
    "run `somahub doctor`; on Ubuntu: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
)
# Flags of a file system that a mount of it must keep, where an administrator set them.
_KEPT = {os.ST_RDONLY: "ro", os.ST_NOSUID: "nosuid", os.ST_NODEV: "nodev", os.ST_NOEXEC: "noexec"}


def ensure(run: Run) -> Process:
    """The keeper, started if it does not run; raises SandboxError when the machine refuses one.

    Where it was killed while sessions live, a new one takes over their namespace.
    """
    with _locked(run):
        keeper = running(run)
        if keeper is None:
            run.folders.mkdir(parents=True, exist_ok=True)
            run.stages.mkdir(exist_ok=True)
            keeper, go = _start(_adopt(run) or _make(run))
            records.write(run.folder / "keeper.json", {"pid": keeper.pid, "start": keeper.start})
            with go:
                go.write(b"\n")
        return keeper


def running(run: Run) -> Process | None:
    """The keeper, where it runs."""
    raw = records.read(run.folder / "keeper.json")
    keeper = Process(raw["pid"], raw["start"]) if raw else None
    return keeper if keeper and keeper.alive else None


def stop(run: Run) -> None:
    """End the keeper; its namespace goes with the last session in it."""
    with _locked(run):
        if keeper := running(run):
            keeper.send(signal.SIGKILL)
        (run.folder / "keeper.json").unlink(missing_ok=True)


def mount(run: Run, session: str, mounts: Iterable[Mount]) -> None:
    """Show buckets in the folder of a session, running or about to; raises SandboxError naming the one that failed."""
    keeper = ensure(run)
    for one in mounts:
        try:
            _show(run, keeper, session, one)
        except subprocess.CalledProcessError as error:
            raise SandboxError(f"bucket folder {one.source} cannot be shown: {_last_line(error.stderr)}") from error
        except OSError as error:
            raise SandboxError(f"bucket folder {one.source} cannot be shown: {error.strerror}") from error


def _show(run: Run, keeper: Process, session: str, one: Mount) -> None:
    options = ",".join((*one.options, *_kept(one.source)))
    place = run.folders / session / one.path
    place.mkdir(parents=True, exist_ok=True)
    stage = tempfile.mkdtemp(prefix=f"{session}.", dir=run.stages)
    try:
        _inside(keeper, _SHOW, one.source, stage, str(place), options)
    finally:
        Path(stage).rmdir()


def unmount(run: Run, session: str, path: str) -> None:
    """Take a bucket from a session's folder; files that are open stay open until they are closed."""
    place = run.folders / session / path
    if keeper := running(run):
        with suppress(subprocess.CalledProcessError):  # it was not mounted
            _inside(keeper, 'umount -l "$1"', str(place))
    _remove_empty(place)


def clear(run: Run, session: str) -> None:
    """Take all buckets from a session's folder, and the folder itself.

    Only empty folders are removed, by rmdir: the kernel detaches what is mounted on one in whatever namespace, so this
    holds without a keeper too, and can never reach into a bucket.
    """
    for place in (run.folders / session, *run.stages.glob(f"{session}.*")):
        _remove_empty(place)


def _remove_empty(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        with suppress(FileNotFoundError):
            Path(folder).rmdir()


def _make(run: Run) -> list[str]:
    """The command of a keeper with namespaces of its own."""
    options = ",".join(("ro", *_kept(str(run.folders))))
    words = ("bash", "-c", _MAKE, "keeper", str(run.folders), options)
    return [program("unshare"), "-r", "-m", "--propagation", "private", *words]


def _adopt(run: Run) -> list[str] | None:
    """The command of a keeper in the namespaces that a running session holds; None where none runs."""
    for name in run.sessions():
        state = records.read_state(run.session(name))
        if state and state.bwrap and state.bwrap.alive:
            return [*_enter(state.bwrap), "bash", "-c", _STAY, "keeper"]
    return None


def _start(command: list[str]) -> tuple[Process, IO[bytes]]:
    """A keeper that waits for a word on the stream before it stays; raises SandboxError."""
    started = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
    assert started.stdin
    assert started.stdout
    assert started.stderr
    with started.stdout as out, started.stderr as err:
        if out.readline() != b"ready\n":
            started.stdin.close()
            raise SandboxError(f"{_RESTRICTED[0]} ({_last_line(err.read())})", mend=_RESTRICTED[1])
    return processes.find(started.pid) or Process(started.pid, ""), started.stdin


def _enter(member: Process) -> list[str]:
    return [program("nsenter"), "--preserve-credentials", "-U", "-m", "-t", str(member.pid)]


def _inside(keeper: Process, script: str, *words: str) -> None:
    subprocess.run(
        [*_enter(keeper), "sh", "-c", script, "sh", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
    )


def _kept(path: str) -> tuple[str, ...]:
    flags = os.statvfs(path).f_flag
    return tuple(word for flag, word in _KEPT.items() if flags & flag)


def _last_line(text: bytes) -> str:
    return text.decode(errors="replace").strip().rpartition("\n")[2] or "no reason given"


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / "keeper.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
