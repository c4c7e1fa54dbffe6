"""Look at this machine for the doctor. Changes nothing, and uses the standard library alone where it can."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from somahub.local import console, doctor, listeners, packages, processes, runner
from somahub.local.doctor import Facts, Finding, Port
from somahub.local.layout import Layout
from somahub.spawners.sandbox import records
from somahub.spawners.sandbox.records import Run

PORTS = (("SOMAHUB_PORT", 8000), ("SOMAHUB_HUB_PORT", 8081), ("SOMAHUB_PROXY_PORT", 8082))


def report(layout: Layout, user: pwd.struct_passwd | None, environment: Mapping[str, str]) -> int:
    """Print every finding, what blocks first; 1 when something does. ``user``: the hub's, where we are root."""
    every = doctor.findings(facts(layout, user, environment))
    for finding in every:
        console.say(line(finding))
    return 1 if doctor.blocked(every) else 0


def line(finding: Finding) -> str:
    """A finding as it is printed, its mend below it."""
    mark = {"blocks": "✗", "beware": "!", "fine": "✓"}[finding.level]
    return f"  {mark} {finding.line}" + (f"\n      {finding.mend}" if finding.mend else "")


def facts(layout: Layout, user: pwd.struct_passwd | None, environment: Mapping[str, str]) -> Facts:
    """What can be seen of this machine, for the hub's user."""
    gpus, gpu_fault = _gpus()
    running = _running(layout)
    return Facts(
        python=sys.version_info[:2],
        packages=packages.missing(packages.wanted(packages.system_list()), environment.get("PATH", "")),
        namespaces_fault=_namespaces_fault(layout, user, environment),
        userns_clone=_sysctl("kernel/unprivileged_userns_clone"),
        apparmor_restricts=_sysctl("kernel/apparmor_restrict_unprivileged_userns"),
        max_namespaces=_sysctl("user/max_user_namespaces"),
        tun_fault=packages.tun_fault() or "",
        ports=tuple(_port(setting, environment.get(setting, ""), number, running) for setting, number in PORTS),
        data=str(layout.data),
        data_fault=_data_fault(layout, user),
        data_free=_free(layout.data),
        cache=str(layout.cache),
        cache_free=_free(layout.cache),
        gpus=gpus,
        gpu_fault=gpu_fault,
        behind=max(0.0, _newest(layout) - time.time()),
        stale=tuple(_stale(layout, running)),
        running=running,
    )


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _namespaces_fault(layout: Layout, user: pwd.struct_passwd | None, environment: Mapping[str, str]) -> str:
    """Try it, as the hub's user: switches differ by distribution, and there are more of them than we know."""
    unshare = shutil.which("unshare", path=runner.SYSTEM_PATH)
    if unshare is None:
        return "unshare is not installed (util-linux)"
    # Before the first start there is no such user: any ordinary one will do.
    who = user or (pwd.getpwnam("nobody") if os.geteuid() == 0 else None)
    tried = runner.runner(who, environment, Path("/"), layout.cache)
    done = tried.run([unshare, "--user", "--map-root-user", "--mount", "--net", "true"])
    return "" if done.returncode == 0 else done.stdout.decode(errors="replace").strip() or "unshare failed"


def _port(setting: str, said: str, number: int, running: bool) -> Port:
    number = int(said) if said.isdigit() else number
    holder = None if running else listeners.listener(number)
    return Port(setting, number, str(holder) if holder else None)


def _data_fault(layout: Layout, user: pwd.struct_passwd | None) -> str:
    if fault := layout.fault():
        return fault
    uid = user.pw_uid if user else os.geteuid()
    for folder in (layout.data, layout.cache):
        if not folder.exists():
            continue
        status = folder.stat()
        if not folder.is_dir():
            return f"{folder} is not a folder"
        if status.st_uid != uid and (user or os.geteuid()):
            return f"{folder} belongs to another user than the hub's"
        if folder == layout.data and status.st_mode & 0o077:
            return f"{folder} is open to other users of this machine (mode {status.st_mode & 0o777:04o})"
    return ""


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _gpus() -> tuple[tuple[str, ...], str]:
    """The names of the GPUs, and why there are none although there is a driver."""
    driver = Path("/proc/driver/nvidia/gpus")
    try:
        import pynvml
    except ImportError:
        # Before the first start the library is not there; the driver's own list is.
        return (tuple(sorted(entry.name for entry in driver.iterdir())) if driver.is_dir() else ()), ""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return (), str(error) if driver.is_dir() else ""
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return tuple(str(pynvml.nvmlDeviceGetName(handle)) for handle in handles), ""
    finally:
        pynvml.nvmlShutdown()


def _newest(layout: Layout) -> float:
    """The latest moment that this machine has surely seen: it wrote these files."""
    files = [Path(__file__), layout.data / "hub.sqlite", layout.data / "somahub.sqlite"]
    return max(file.stat().st_mtime for file in files if os.access(file, os.R_OK))


def _running(layout: Layout) -> bool:
    said = records.read(layout.started) if os.access(layout.started, os.R_OK) else None
    return said is not None and processes.recorded(said.get("supervisor")) is not None


def _stale(layout: Layout, running: bool) -> list[str]:
    if not os.access(layout.run, os.R_OK | os.X_OK):
        return []
    found = []
    if not running and layout.control.exists():
        found.append(f"the last supervisor ended without a word and left {layout.control}")
    run = Run(layout.run)
    for name in run.sessions():
        state = records.read_state(run.session(name))
        if state and state.phase != "ended" and not state.holder.alive:
            found.append(f"the session {name} has lost its holder")
    return found
