"""The node: first process of the lab's namespaces. It makes the lab's view of the machine, and keeps its parts running.

Run by its path, so it uses the standard library alone: ``python node.py outside SPEC`` joins the lab's cgroup and makes
new namespaces of mounts, processes, network, names and IPC; ``inside SPEC`` is what runs in them as process 1. All that
a lab mounts, routes, filters or starts belongs to them, so when process 1 ends, the kernel removes all of it.

The lab sees the machine's files, with these on top:
  /run /var/lib /var/log   empty and its own; below them
  /run/lab/run             the folder that lives from up to down     /run/lab/{tools,built}   what was built
  /var/lib/containerd      images                                    /var/lib/{etcd,kubelet,lab-volumes}, /var/log/pods
  /proc /sys               of its own namespaces
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMESPACES = ("--mount", "--propagation", "private", "--net", "--pid", "--uts", "--ipc")
MS_BIND, MS_REC, MS_SHARED = 4096, 16384, 1 << 20
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
SIGNALS = {signal.SIGCHLD, signal.SIGTERM}
# What the kubelet wants of the whole kernel is told to it by files of the lab's own: the machine stays as it is.
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
_LIBC = ctypes.CDLL(None, use_errno=True)


def outside(spec_file: str) -> None:
    """Join the lab's cgroup and become the process that waits for the lab; when it ends, all of the lab ends."""
    spec = json.loads(Path(spec_file).read_text())
    for folder in spec["cgroups"]:
        Path(folder, "cgroup.procs").write_text(str(os.getpid()))
    inner = [sys.executable, "-I", __file__, "inside", spec_file]
    os.execvp("unshare", ["unshare", *NAMESPACES, "--fork", "--kill-child", "--", *inner])  # noqa: S606


def inside(spec_file: str) -> None:
    """Be process 1 of the lab."""
    # Whatever the caller's is: what is written here are also the roots of containers, whose users are not root.
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    spec = json.loads(Path(spec_file).read_text())
    # The old /proc still tells which number we have on the host.
    number = os.readlink("/proc/self")  # noqa: PTH115
    record = Path(spec["run"], "init")
    record.with_suffix(".new").write_text(number)
    record.with_suffix(".new").replace(record)
    _view(spec)
    _network(spec)
    Node(spec).run()


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    if _LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(words[3]), words[4]):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: mounting {source} on {target}")


def _bind(descriptor: int, target: str) -> None:
    Path(target).mkdir(parents=True, exist_ok=True)
    _mount(f"/proc/self/fd/{descriptor}", target, flags=MS_BIND | MS_REC)


def _view(spec: dict[str, Any]) -> None:
    """Lay the lab's own mounts over the machine's files; descriptors, because what is covered has no path any more."""
    opened = {name: os.open(spec[name], os.O_PATH) for name in ("run", "tools", "built", "images")}
    cgroups = os.open("/sys/fs/cgroup", os.O_PATH)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _bind(cgroups, "/sys/fs/cgroup")
    for folder in ("/run", "/var/lib", "/var/log"):
        _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    _bind(opened["run"], "/run/lab/run")
    _bind(opened["tools"], "/run/lab/tools")
    _bind(opened["built"], "/run/lab/built")
    _bind(opened["images"], "/var/lib/containerd")
    below = {"etcd": "/var/lib/etcd", "kubelet": "/var/lib/kubelet", "volumes": "/var/lib/lab-volumes"}
    for name, target in {**below, "pods": "/var/log/pods"}.items():
        descriptor = os.open(f"/run/lab/run/{name}", os.O_PATH)
        _bind(descriptor, target)
        os.close(descriptor)
    for descriptor in (*opened.values(), cgroups):
        os.close(descriptor)
    _kernel()
    # What a pod mounts for others must reach them: they are all in here.
    _mount("none", "/", flags=MS_REC | MS_SHARED)
    socket.sethostname(spec["node"])


def _kernel() -> None:
    for name, value in KERNEL.items():
        setting, ours = Path("/proc/sys", name), Path("/run/lab/kernel", name)
        if setting.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.write_text(f"{value}\n")
            _mount(str(ours), str(setting), flags=MS_BIND)


def _network(spec: dict[str, Any]) -> None:
    """Wait for the end of the wire that the host gives, then set it up; the lab has no way to anywhere else."""
    deadline = time.monotonic() + 20
    while not Path("/sys/class/net/eth0").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the host gave no network")
        time.sleep(0.01)
    for name in ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding"):
        Path("/proc/sys", name).write_text("1")
    lines = ["link set lo up", f"addr add {spec['node_address']}/30 dev eth0", "link set eth0 up"]
    # A route is looked up before a Service's address becomes a pod's.
    lines.append(f"route add {spec['services']} via {spec['host_address']}")
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    subprocess.run(["nft", "-f", "/run/lab/run/etc/walls.nft"], check=True)


@dataclass
class Part:
    """One program of the lab. ``after``: the gates that must be open before it starts; some open by a file."""

    name: str
    words: list[str]
    after: list[str]
    pid: int = 0
    started: float = 0.0
    due: float = 0.0
    patience: float = 0.1

    def start(self) -> None:
        """Start it in a session of its own; what it says goes to its log."""
        log = os.open(f"/run/lab/run/log/{self.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        files += [(os.POSIX_SPAWN_DUP2, log, n) for n in (1, 2)]  # type: ignore[misc]
        environment = {"PATH": f"/run/lab/tools/bin:{os.environ['PATH']}", "HOME": "/root", "LANG": "C.UTF-8"}
        self.pid = os.posix_spawn(
            self.words[0], self.words, environment, file_actions=files, setsid=True, setsigmask=[]
        )
        self.started, self.due = time.monotonic(), 0.0
        os.close(log)

    def ended(self, status: int) -> None:
        """It is gone: start it again soon, and later each time when it does not stay."""
        lived = time.monotonic() - self.started
        self.patience = 0.1 if lived > 10 else min(self.patience * 2, 5.0)
        print(f"{self.name} ended with {os.waitstatus_to_exitcode(status)} after {lived:.1f} s", flush=True)
        self.pid, self.due = 0, time.monotonic() + self.patience


@dataclass
class Node:
    """Starts the parts, starts again what dies, collects what is orphaned, until it is told to end."""

    spec: dict[str, Any]
    parts: list[Part] = field(init=False)
    api: bool = False

    def __post_init__(self) -> None:
        self.parts = [Part(**each) for each in self.spec["components"]]

    def run(self) -> None:
        """Until SIGTERM; then containerd ends in good order, because its images are kept, and all else at once."""
        while True:
            self._start_due()
            found = signal.sigtimedwait(SIGNALS, 0.1 if any(not part.pid for part in self.parts) else 60.0)
            if found and found.si_signo == signal.SIGTERM:
                break
            self._collect()
        self._end("kubelet", signal.SIGKILL)
        self._end("containerd", signal.SIGTERM)

    def _start_due(self) -> None:
        for part in self.parts:
            if not part.pid and part.due <= time.monotonic() and all(map(self._open, part.after)):
                part.start()

    def _open(self, gate: str) -> bool:
        if gate == "api":
            self.api = self.api or _answers(self.spec["node_address"])
            return self.api
        return Path("/run/lab/run/gates", gate).exists()

    def _collect(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for part in self.parts:
                if part.pid == pid:
                    part.ended(status)

    def _end(self, name: str, number: signal.Signals) -> None:
        part = next(each for each in self.parts if each.name == name)
        deadline = time.monotonic() + 3
        if part.pid:
            os.kill(part.pid, number)
        while part.pid and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)
            self._collect()


def _answers(address: str) -> bool:
    context = ssl.create_default_context(cafile="/run/lab/run/pki/ca.crt")
    try:
        with urllib.request.urlopen(f"https://{address}:6443/readyz", timeout=2, context=context):
            return True
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    {"outside": outside, "inside": inside}[sys.argv[1]](sys.argv[2])
