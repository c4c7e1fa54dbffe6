"""The filter of kernel calls, run instruction by instruction as the kernel does."""

from __future__ import annotations

import errno
import struct

import pytest

from somahub.errors import SandboxError
from somahub.spawners.sandbox.seccomp import MACHINES, program

ALLOW = 0x7FFF0000
X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003


def refused(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize(
    ("machine", "audit", "number", "words", "verdict"),
    [
        ("x86_64", X86, 0, (), ALLOW),  # read
        ("x86_64", X86, 57, (), ALLOW),  # fork
        ("x86_64", X86, 101, (16,), ALLOW),  # ptrace, which debuggers need
        ("x86_64", X86, 41, (1,), ALLOW),  # AF_UNIX
        ("x86_64", X86, 41, (2,), ALLOW),  # AF_INET
        ("x86_64", X86, 41, (10,), ALLOW),  # AF_INET6
        ("x86_64", X86, 41, (16,), ALLOW),  # AF_NETLINK
        ("x86_64", X86, 41, (40,), refused(errno.EAFNOSUPPORT)),  # AF_VSOCK
        ("x86_64", X86, 41, (38,), refused(errno.EAFNOSUPPORT)),  # AF_ALG
        ("x86_64", X86, 41, (0,), refused(errno.EAFNOSUPPORT)),
        ("x86_64", X86, 16, (0, 0x5401), ALLOW),  # TCGETS
        ("x86_64", X86, 16, (0, 0x5412), refused(errno.EPERM)),  # TIOCSTI
        ("x86_64", X86, 16, (0, 0x541C), refused(errno.EPERM)),  # TIOCLINUX
        ("x86_64", X86, 250, (), refused(errno.EPERM)),  # keyctl
        ("x86_64", X86, 425, (), refused(errno.EPERM)),  # io_uring_setup
        ("x86_64", X86, 0x40000000, (), refused(errno.ENOSYS)),  # read by the x32 table
        ("x86_64", I386, 102, (), refused(errno.ENOSYS)),  # socketcall by the 32-bit table
        ("aarch64", ARM, 63, (), ALLOW),
        ("aarch64", ARM, 198, (40,), refused(errno.EAFNOSUPPORT)),
        ("aarch64", ARM, 29, (0, 0x5412), refused(errno.EPERM)),
        ("aarch64", ARM, 219, (), refused(errno.EPERM)),
        ("aarch64", X86, 0, (), refused(errno.ENOSYS)),
    ],
)
def test_the_verdict_on_a_call(machine: str, audit: int, number: int, words: tuple[int, ...], verdict: int) -> None:
    """Calls that no session needs are refused with an error that programs understand; all others pass."""
    assert _run(program(machine), audit, number, words) == verdict


@pytest.mark.parametrize("machine", MACHINES)
def test_each_refused_call_is_named_once(machine: str) -> None:
    """The table of numbers has no slip of the pen."""
    kind = MACHINES[machine]
    assert len({*kind.refused, kind.socket, kind.ioctl}) == len(kind.refused) + 2 == 18


def test_an_unknown_machine_runs_no_session() -> None:
    """Without a filter there is no session, and the error names what works."""
    with pytest.raises(SandboxError, match="x86_64 and aarch64; this machine is riscv64"):
        program("riscv64")


def _run(filter_: bytes, audit: int, number: int, words: tuple[int, ...]) -> int:
    call = struct.pack("=IIQ6Q", number, audit, 0, *(words + (0,) * 6)[:6])
    steps = list(struct.iter_unpack("=HBBI", filter_))
    at, word = 0, 0
    while True:
        code, then, otherwise, operand = steps[at]
        at += 1
        if code == 0x20:
            (word,) = struct.unpack_from("=I", call, operand)
        elif code == 0x06:
            assert isinstance(operand, int)
            return operand
        else:
            at += then if (word == operand if code == 0x15 else word >= operand) else otherwise
