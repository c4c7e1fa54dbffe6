"""What of a lab lies outside its namespaces, on the host: its cgroups and one end of a wire."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from somahub.errors import SetupError
from somahub.local.processes import end, wait_until
from somahub.spawners.sandbox.processes import Process, find
from tests.cluster.lab.places import Places


def cgroups(places: Places) -> list[Path]:
    """The lab's folder in each hierarchy of cgroups that this machine has mounted."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] in ("cgroup", "cgroup2"):
            # Where the hierarchy's top is ours to see; a bind of a part of it is not.
            root, point = before.split()[3:5]
            if root == "/":
                found.append(Path(point, places.name))
    return found


def make_cgroups(places: Places) -> list[Path]:
    """Make the lab's cgroups; returns those that its own processes go into, beside the pods'."""
    leaves = []
    for top in cgroups(places):
        _enable(top.parent)
        for folder in (top, top / "node"):
            folder.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):  # version 1 lets nobody in while they are empty
                setting = folder / name
                if setting.exists() and not setting.read_text().strip() and (folder.parent / name).exists():
                    setting.write_text((folder.parent / name).read_text())
        leaves.append(top / "node")
    return leaves


def _enable(top: Path) -> None:
    """Have version 2 of cgroups hand its controllers down; version 1 has no such file."""
    file = top / "cgroup.subtree_control"
    if file.exists():
        for name in set((top / "cgroup.controllers").read_text().split()) - set(file.read_text().split()):
            file.write_text(f"+{name}")


def inhabitants(places: Places) -> list[Process]:
    """The processes that are in the lab's cgroups."""
    numbers: set[int] = set()
    for top in cgroups(places):
        for folder, _, names in os.walk(top):
            if "cgroup.procs" in names:
                try:
                    numbers.update(map(int, Path(folder, "cgroup.procs").read_text().split()))
                except OSError:
                    continue  # a pod's, gone while we looked
    return [process for number in numbers if (process := find(number))]


def wire(places: Places, init: int) -> None:
    """Lay a wire from the host into the network of process ``init``."""
    lines = [
        f"link add {places.name} type veth peer name eth0 netns {init}",
        f"addr add {places.host_address}/30 dev {places.name}",
        f"link set {places.name} up",
    ]
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"the lab's network could not be made: {done.stderr.strip()[:300]}")


def sweep(places: Places) -> None:
    """Remove what a lab left on the host, whichever way it ended. What runs in its cgroups is ended first."""
    if there := inhabitants(places):
        end(there, 0.0)
    if not wait_until(lambda: not any(process.alive for process in inhabitants(places)), 10.0):
        left = ", ".join(str(process.pid) for process in inhabitants(places))
        raise SetupError(f"these processes of the cluster lab do not end: {left}")
    if Path("/sys/class/net", places.name).exists():
        subprocess.run(["ip", "link", "delete", places.name], capture_output=True, check=False)
    for top in cgroups(places):
        for folder, _, _ in os.walk(top, topdown=False):
            wait_until(lambda folder=Path(folder): _removed(folder), 2.0)  # type: ignore[misc]


def _removed(folder: Path) -> bool:
    """Remove an empty cgroup; the kernel lets go of it a moment after its last process."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remains(places: Places) -> list[str]:
    """What of a lab is still on the host, in words; nothing after `down`."""
    found = [f"process {process.pid}" for process in inhabitants(places)]
    found += [f"cgroup {folder}" for folder in cgroups(places) if folder.exists()]
    if Path("/sys/class/net", places.name).exists():
        found.append(f"interface {places.name}")
    return found


def stop(holder: Process | None, init: Process | None) -> None:
    """Ask the lab's first process to end, and end it where it does not; the kernel then ends all that is in it."""
    if init:
        end([init], 8.0)
    if holder:
        holder.send(signal.SIGKILL)
