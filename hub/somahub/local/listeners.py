"""Who listens on a port of this machine, as far as we may see."""

from __future__ import annotations

import pwd
import socket
from dataclasses import dataclass
from pathlib import Path

from somahub.local import processes

LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """Who holds a port. ``pid`` is None where another user's processes cannot be seen."""

    port: int
    uid: int
    pid: int | None

    def __str__(self) -> str:
        try:
            user = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            user = str(self.uid)
        if self.pid is None:
            return f"a process of the user {user}"
        command = " ".join(processes.words(self.pid))
        return f"process {self.pid} of the user {user} ({command[:60]})"


def free(port: int) -> bool:
    """Whether this user could listen on a loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listener(port: int) -> Listener | None:
    """Who listens on a port in a way that keeps us from 127.0.0.1; None when nobody is seen to."""
    for row in _rows():
        address, _, number = row[1].rpartition(":")
        if row[3] == LISTEN and int(number, 16) == port and _covers_loopback(address):
            return Listener(port, int(row[7]), _owner(row[9]))
    return None


def _rows() -> list[list[str]]:
    rows: list[list[str]] = []
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        rows += [line.split() for line in lines]
    return rows


def _covers_loopback(address: str) -> bool:
    """127.0.0.1 or every address, as /proc writes them in either family."""
    return address in ("0100007F", "00000000", "0" * 32, "0000000000000000FFFF00000100007F")


def _owner(inode: str) -> int | None:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            descriptors = list((entry / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                if descriptor.readlink() == Path(f"socket:[{inode}]"):
                    return int(entry.name)
            except OSError:
                continue
    return None


def taken(holder: Listener) -> str:
    """That a port is taken, as one line."""
    return f"port {holder.port} is taken by {holder}"


def choose(setting: str, port: int) -> str:
    """What helps where a port is taken."""
    return f"stop it, or choose another port: {setting}={port + 1 if port < 65535 else port - 1} make up"
