"""The kernel calls that no session has a use for, as a filter for bubblewrap. Pure.

A network namespace does not hold every kind of socket (virtual machines' is the host's), keys are shared along the
line of processes, and much of the rest is where the kernel's faults are found.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from somahub.errors import SandboxError

UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

_LOAD = 0x20  # a word of the call's description
_EQUAL = 0x15
_AT_LEAST = 0x35
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000  # with an errno
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24  # where in the description; the low words of arguments
_FOREIGN = 0x40000000  # from here on, numbers of x86's x32 calls


@dataclass(frozen=True, slots=True)
class Machine:
    """How a kind of machine numbers the calls that matter here."""

    audit: int
    socket: int
    ioctl: int
    refused: tuple[int, ...]


# In the order: add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring_setup, io_uring_enter,
# io_uring_register, open_by_handle_at, syslog, kexec_load, kexec_file_load, init_module, finit_module, delete_module.
MACHINES = {
    "x86_64": Machine(
        audit=0xC000003E,
        socket=41,
        ioctl=16,
        refused=(248, 249, 250, 321, 298, 323, 425, 426, 427, 304, 103, 246, 320, 175, 313, 176),
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        socket=198,
        ioctl=29,
        refused=(217, 218, 219, 280, 241, 282, 425, 426, 427, 265, 116, 104, 294, 105, 273, 106),
    ),
}


def program(machine: str) -> bytes:
    """The filter for a kind of machine, as ``uname -m`` names it; raises SandboxError for one that is not known."""
    if machine not in MACHINES:
        raise SandboxError(f"sessions run on {' and '.join(MACHINES)}; this machine is {machine}")
    return b"".join(_steps(MACHINES[machine]))


def _steps(machine: Machine) -> Iterator[bytes]:
    """Calls of another kind of machine are refused; then single calls, terminals typed into, and kinds of sockets."""
    yield _step(_LOAD, _MACHINE)
    yield _step(_EQUAL, machine.audit, then=1)
    yield _refuse(errno.ENOSYS)
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _FOREIGN, otherwise=1)
    yield _refuse(errno.ENOSYS)
    for number in machine.refused:
        yield _step(_EQUAL, number, otherwise=1)
        yield _refuse(errno.EPERM)
    yield _step(_EQUAL, machine.ioctl, otherwise=4)
    yield _step(_LOAD, _SECOND)
    yield _step(_EQUAL, TIOCSTI, then=1)
    yield _step(_EQUAL, TIOCLINUX, otherwise=8)
    yield _refuse(errno.EPERM)
    yield _step(_EQUAL, machine.socket, otherwise=6)
    yield _step(_LOAD, _FIRST)
    for family, steps_to_allow in ((UNIX, 4), (INET, 3), (INET6, 2)):
        yield _step(_EQUAL, family, then=steps_to_allow)
    yield _step(_EQUAL, NETLINK, then=1)
    yield _refuse(errno.EAFNOSUPPORT)
    yield _step(_RETURN, _ALLOW)


def _step(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction: ``then`` and ``otherwise`` are how many of the next to leave out."""
    return struct.pack("=HBBI", code, then, otherwise, operand)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _REFUSE | number)
