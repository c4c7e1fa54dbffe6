"""What only the system's administrator can give: Debian packages, the hub's user, and the device for networks."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import console
from somahub.local.runner import SYSTEM_PATH

TUN = Path("/dev/net/tun")

# What we call by name, and the package that brings it: a package that is there without its program is no help.
PROGRAMS = {
    "bwrap": "bubblewrap",
    "pasta": "passt",
    "Xvnc": "tigervnc-standalone-server",
    "openbox": "openbox",
    "tint2": "tint2",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}


def system_list() -> Path:
    """The list of Debian packages that the product needs: in the wheel, or in a checkout."""
    package = Path(__file__).parents[1]
    in_wheel = package / "_system.txt"
    return in_wheel if in_wheel.is_file() else package.parents[1] / "requirements" / "system.txt"


def wanted(file: Path) -> tuple[str, ...]:
    """The packages of a list: one a line, with ``# why`` after it."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return tuple(line for line in lines if line)


def installed(packages: Iterable[str]) -> frozenset[str]:
    """Those of ``packages`` that dpkg says are installed; all of them on a system that has no dpkg."""
    names = tuple(packages)
    if shutil.which("dpkg-query", path=SYSTEM_PATH) is None:
        return frozenset(names)
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\\n", *names]
    answer = subprocess.run(query, capture_output=True, text=True, env={"PATH": SYSTEM_PATH}, check=False).stdout
    return frozenset(line.split()[0] for line in answer.splitlines() if line.split()[1:] == ["ii"])


def missing(packages: Iterable[str], path: str) -> tuple[str, ...]:
    """What of ``packages`` is not installed, or has no program on ``path`` that we call."""
    names = tuple(packages)
    there = installed(names)
    broken = {package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None}
    return tuple(name for name in names if name not in there or name in broken)


def root_line(packages: Iterable[str], tun: bool) -> str:
    """The one line that root runs for an ordinary user: install ``packages``, and open the device for networks."""
    names = " ".join(packages)
    steps = ["apt-get update", f"apt-get install --no-install-recommends -y {names}"] if names else []
    steps += [f"chmod 0666 {TUN}"] if tun else []
    return f"sudo sh -c '{' && '.join(steps)}'"


def install(packages: tuple[str, ...]) -> None:
    """Install Debian packages, as root; raises SetupError with apt's own reason."""
    if shutil.which("apt-get", path=SYSTEM_PATH) is None:
        raise SetupError(
            f"these are missing: {' '.join(packages)}, and this system has no apt-get",
            "install them by your system's own means, then run make up again",
        )
    with console.step(f"installing {len(packages)} system packages"):
        _apt("update", "-q")
        # A package whose program is gone counts as installed: it is laid out anew.
        again = installed(packages)
        for names, words in ((again, ("--reinstall",)), (set(packages) - again, ())):
            if names:
                _apt("install", "-q", "-y", "--no-install-recommends", *words, *sorted(names))


def _apt(*words: str) -> None:
    environment = {"PATH": SYSTEM_PATH, "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8", "HOME": "/root"}
    environment |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", *words]
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(f"apt-get {words[0]} failed: {apt_reason(done.stdout)}", f"sudo {' '.join(command)}")


def apt_reason(said: str) -> str:
    """The first error that apt reports, as one line."""
    errors = [line[2:].strip() for line in said.splitlines() if line.startswith("E:")]
    lines = errors or [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    return lines[0 if errors else -1]


def user(name: str) -> pwd.struct_passwd | None:
    """The user of that name, if there is one."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def make_user(name: str, home: Path) -> pwd.struct_passwd:
    """The hub's unprivileged user, made where absent; raises SetupError when the name cannot be used."""
    known = user(name)
    if known is None:
        if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", name):
            raise SetupError(f"SOMAHUB_USER must be a user name of small letters and digits, got {name!r}")
        with console.step(f"making the user {name}, whom the hub runs as"):
            command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(home)]
            command += ["--shell", "/usr/sbin/nologin", "--comment", "somahub", name]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env={"PATH": SYSTEM_PATH},
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode:
                raise SetupError(f"the user {name} could not be made: {done.stderr.strip()}")
        known = pwd.getpwnam(name)
    if known.pw_uid == 0:
        raise SetupError("the hub must not run as root", "choose another user: SOMAHUB_USER=somahub make up")
    return known


def tun_fault() -> str | None:
    """Why sessions could not make a network of their own, as one line."""
    try:
        mode = TUN.stat().st_mode
    except FileNotFoundError:
        return f"{TUN} is missing: sessions cannot have a network of their own"
    if not stat.S_ISCHR(mode) or mode & 0o006 != 0o006:
        return f"{TUN} is closed to ordinary users: sessions cannot have a network of their own"
    return None


def open_tun() -> None:
    """Open the device for networks to all, as Debian's default is; a session's own network needs it."""
    if not TUN.exists():
        TUN.parent.mkdir(exist_ok=True)
        try:
            os.mknod(TUN, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
        except OSError as error:
            raise SetupError(f"{TUN} is missing and could not be made: {error.strerror}", "modprobe tun") from None
    if tun_fault():
        TUN.chmod(0o666)
        console.say(f"  opened {TUN} to all users (mode 0666), for the networks of sessions")
