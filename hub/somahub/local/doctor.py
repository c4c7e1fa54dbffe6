"""What this machine lacks for somahub, decided from facts: one line each, with the command that mends it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from somahub.settings import Settings

GIB = 1 << 30
# What somahub itself needs on the disk of its cache, and what DeepLabCut's environment needs beside it.
CACHE_LEAST = 3 * GIB
CACHE_GOOD = 12 * GIB
DATA_LEAST = 1 * GIB
DATA_GOOD = 10 * GIB


@dataclass(frozen=True, slots=True)
class Port:
    """A port that somahub opens, the setting that moves it, and who else holds it."""

    setting: str
    number: int
    holder: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen of a machine. Sizes in bytes, ``behind`` in seconds; an empty ``…fault`` says that all is well."""

    python: tuple[int, int]
    packages: tuple[str, ...]
    namespaces_fault: str
    userns_clone: str
    apparmor_restricts: str
    max_namespaces: str
    tun_fault: str
    ports: tuple[Port, ...]
    data: str
    data_fault: str
    data_free: int
    cache: str
    cache_free: int
    gpus: tuple[str, ...]
    gpu_fault: str
    behind: float
    stale: tuple[str, ...]
    running: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a machine. What ``blocks`` keeps somahub or every session from starting."""

    level: Literal["blocks", "beware", "fine"]
    line: str
    mend: str = ""


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Everything worth saying about a machine, what blocks first. Pure."""
    every = [
        _python(facts),
        _packages(facts),
        *_namespaces(facts),
        _tun(facts),
        *_ports(facts),
        _data(facts),
        _space("data", facts.data, facts.data_free, DATA_LEAST, DATA_GOOD, "people's files"),
        _space("cache", facts.cache, facts.cache_free, CACHE_LEAST, CACHE_GOOD, "DeepLabCut's environment"),
        _gpus(facts),
        _clock(facts),
        *_stale(facts),
        Finding("fine", "limits: cores by affinity, memory watched by each session's holder"),
        Finding(
            "fine",
            "somahub is running" if facts.running else "somahub is not running",
            "" if facts.running else "make up",
        ),
    ]
    order = ("blocks", "beware", "fine")
    return tuple(sorted(every, key=lambda finding: order.index(finding.level)))


def _python(facts: Facts) -> Finding:
    version = ".".join(map(str, facts.python))
    if facts.python < (3, 11):
        return Finding(
            "blocks", f"Python {version} is too old; 3.11 or newer is needed", "use Debian 12 or Ubuntu 24.04"
        )
    return Finding("fine", f"Python {version}")


def _packages(facts: Facts) -> Finding:
    if facts.packages:
        names = " ".join(facts.packages)
        mend = f"sudo sh -c 'apt-get update && apt-get install --no-install-recommends -y {names}'"
        return Finding("blocks", f"these Debian packages are missing: {names}", mend)
    return Finding("fine", "all Debian packages are there")


def _namespaces(facts: Facts) -> list[Finding]:
    """Which of the three switches keeps ordinary users from making a sandbox."""
    if not facts.namespaces_fault:
        return [Finding("fine", "ordinary users may make user namespaces")]
    found = []
    if facts.userns_clone == "0":
        found.append(("kernel.unprivileged_userns_clone is 0", "kernel.unprivileged_userns_clone=1"))
    if facts.apparmor_restricts == "1":
        found.append(("AppArmor restricts them", "kernel.apparmor_restrict_unprivileged_userns=0"))
    if facts.max_namespaces == "0":
        found.append(("user.max_user_namespaces is 0", "user.max_user_namespaces=16384"))
    line = "ordinary users cannot make user namespaces, which sessions are made of"
    if not found:
        return [
            Finding(
                "blocks", f"{line}: {facts.namespaces_fault}", "in a container, run it with user namespaces allowed"
            )
        ]
    keep = "sudo tee -a /etc/sysctl.d/90-somahub.conf && sudo sysctl --system"
    return [Finding("blocks", f"{line}: {why}", f"echo {switch} | {keep}") for why, switch in found]


def _tun(facts: Facts) -> Finding:
    if facts.tun_fault:
        mend = "sudo modprobe tun" if "missing" in facts.tun_fault else "sudo chmod 0666 /dev/net/tun"
        return Finding("blocks", facts.tun_fault, mend)
    return Finding("fine", "sessions can have a network of their own")


def _ports(facts: Facts) -> list[Finding]:
    taken = [port for port in facts.ports if port.holder]
    if not taken:
        numbers = ", ".join(str(port.number) for port in facts.ports)
        return [Finding("fine", f"ports {numbers} are {'ours' if facts.running else 'free'}")]
    return [
        Finding("blocks", f"port {port.number} is taken by {port.holder}", f"stop it, or {port.setting}=… make up")
        for port in taken
    ]


def _data(facts: Facts) -> Finding:
    if facts.data_fault:
        return Finding(
            "blocks", facts.data_fault, f"look who owns it: ls -ld {facts.data}; or choose another: SOMAHUB_DATA=…"
        )
    return Finding("fine", f"data in {facts.data}")


def _space(name: str, folder: str, free: int, least: int, good: int, what: str) -> Finding:
    said = f"{free / GIB:.1f} GiB free for the {name} folder {folder}"
    mend = f"free some, or choose another disk: SOMAHUB_{name.upper()}=…"
    if free < least:
        return Finding("blocks", f"only {said}; at least {least // GIB} GiB are needed", mend)
    if free < good:
        return Finding("beware", f"{said}; {what} may need {good // GIB} GiB", mend)
    return Finding("fine", said)


def _gpus(facts: Facts) -> Finding:
    if facts.gpu_fault:
        return Finding(
            "beware",
            f"no GPU can be given to sessions: {facts.gpu_fault}",
            "reinstall the driver: nvidia-smi must work",
        )
    if facts.gpus:
        return Finding("fine", f"GPUs: {', '.join(facts.gpus)}")
    return Finding("fine", "no NVIDIA GPU: profiles that need one say so")


def _clock(facts: Facts) -> Finding:
    if facts.behind > 60:
        hours = facts.behind / 3600
        mend = "sudo timedatectl set-ntp true"
        return Finding("beware", f"the clock is at least {hours:.1f} h slow: log-ins and costs would be wrong", mend)
    return Finding("fine", "the clock goes forward")


def _stale(facts: Facts) -> list[Finding]:
    return [Finding("beware", line, "make up, which sweeps it away") for line in facts.stale]


def blocked(every: tuple[Finding, ...]) -> bool:
    """Whether something keeps somahub or every session from starting."""
    return any(finding.level == "blocks" for finding in every)


def doctor(settings: Settings) -> int:
    """Print what this machine lacks; 1 when something blocks."""
    from somahub.local import gather
    from somahub.local.layout import Layout

    return gather.report(Layout(settings.data, settings.cache), None, dict(os.environ))
