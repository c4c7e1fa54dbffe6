"""Starting the processes of a sandbox: bubblewrap in the keeper's namespace, and pasta beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from somahub.errors import SandboxError
from somahub.spawners.sandbox import kernel, processes, seccomp
from somahub.spawners.sandbox.log import last_line
from somahub.spawners.sandbox.processes import Process
from somahub.spawners.sandbox.programs import ENVIRONMENT, program
from somahub.spawners.sandbox.records import Spec

DEADLINE = 20.0  # seconds
TUN = Path("/dev/net/tun")
# The first command waits for a word. Where there is none, because the holder was killed, nothing is run.
_GATE = ("sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh")


class Launch:
    """A sandbox that waits before its first command until :meth:`go`; its network is empty until then."""

    def __init__(self, spec: Spec, environment: dict[str, str], keeper: Process, output: int) -> None:
        self._bwrap = program("bwrap")
        hold, self._hold = os.pipe()
        failure, failed = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(spec, environment, keeper, output, hold)
            except BaseException as error:
                os.write(failed, str(error).encode())
            os._exit(127)
        for ours_no_more in (hold, failed):
            os.close(ours_no_more)
        with os.fdopen(failure) as reader:  # closed by the kernel when bubblewrap has taken over
            if why := reader.read():
                os.waitpid(pid, 0)
                raise SandboxError(f"the sandbox could not be started: {why}")
        self.outer = processes.find(pid) or Process(pid, "")
        self.exited = os.pidfd_open(pid)
        self._code: int | None = None

    def _become(self, spec: Spec, environment: dict[str, str], keeper: Process, output: int, hold: int) -> None:
        """In the child: enter the keeper's namespaces, get an empty network, and turn into bubblewrap."""
        Path("/proc/self/oom_score_adj").write_text("500")  # should memory run out: sessions before the hub
        os.sched_setaffinity(0, spec.cores)
        kernel.enter(f"/proc/{keeper.pid}/ns/user")
        kernel.enter(f"/proc/{keeper.pid}/ns/mnt")
        kernel.leave(kernel.CLONE_NEWNET)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        for source, target in ((hold, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        # By a descriptor, because the session sees the words of its first process, and they tell of the host.
        words = _memory("words", "\0".join(spec.bwrap).encode())
        refused = _memory("seccomp", seccomp.program(os.uname().machine))
        for descriptor in (words, refused):
            os.set_inheritable(descriptor, True)
        options = ["--args", str(words), "--seccomp", str(refused)]
        os.execve(self._bwrap, ["bwrap", *options, "--", *_GATE, *spec.command], environment)  # noqa: S606

    def wait(self) -> Process:
        """The sandbox's first process, once it exists; raises SandboxError.

        Bubblewrap would tell its number, but dies of it, and leaves a child that waits for ever, if nobody listens.
        """
        while self.exit_code() is None:
            for pid in processes.children(self.outer.pid):
                if init := processes.find(pid):
                    return init
            time.sleep(0.001)
        raise SandboxError("bubblewrap could not make the sandbox")

    def go(self) -> None:
        """Let the first command run."""
        os.write(self._hold, b"\n")
        os.close(self._hold)

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.outer.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


class Pasta:
    """The process that joins a sandbox's network to the world."""

    def __init__(self, spec: Spec, folder: Path, member: Process) -> None:
        self._ready = folder / "pasta.pid"
        self._errors = folder / "pasta.log"
        self._port = spec.port
        self._ready.unlink(missing_ok=True)
        namespaces = f"/proc/{member.pid}/ns"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    *(program("pasta"), *spec.pasta, "-P", str(self._ready)),
                    *("--userns", f"{namespaces}/user", "--netns", f"{namespaces}/net"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env=ENVIRONMENT,
            )
        self.exited = os.pidfd_open(self._process.pid)
        self.process = processes.find(self._process.pid) or Process(self._process.pid, "")

    def wait(self) -> None:
        """Return when the network is up; raises SandboxError with pasta's reason."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                if not os.access(TUN, os.R_OK | os.W_OK):
                    raise SandboxError(f"{TUN} is closed to us, and a session's network needs it", f"chmod 0666 {TUN}")
                raise SandboxError(f"the session's network could not be set up: {last_line(self._errors)}")
            if self._ready.exists() and self._ready.read_text().strip():
                return
            time.sleep(0.001)
        self._process.kill()
        raise SandboxError(f"the session's network was not up after {DEADLINE:g} s")

    def collect(self) -> None:
        """Close what is left of it here, once it has ended."""
        self._process.wait()
        os.close(self.exited)


def _memory(name: str, content: bytes) -> int:
    """A file in memory to be read from its beginning."""
    descriptor = os.memfd_create(name)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
