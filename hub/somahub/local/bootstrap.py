"""Set this machine up for a command of the Makefile, then run it. ``/usr/bin/python3 bootstrap.py COMMAND``.

Runs before anything is installed, so it uses the standard library alone. As root it installs what is missing and hands
everything else to the hub's unprivileged user; as anybody else it checks, and says the one line to run.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  the system's own Python may be older
    sys.exit("somahub: needs Python 3.11 or newer as /usr/bin/python3; Debian 12 and Ubuntu 24.04 have it")

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

CLONE = Path(__file__).resolve().parents[3]
if __name__ == "__main__":
    # In place of this folder, whose modules must not stand in for others of the same name.
    sys.path[0] = str(CLONE / "hub")
    sys.dont_write_bytecode = True

from somahub.errors import SetupError  # noqa: E402
from somahub.local import console, layout, listeners, packages, rehearse  # noqa: E402
from somahub.local.layout import Layout  # noqa: E402
from somahub.local.runner import Runner, runner  # noqa: E402
from somahub.local.turns import alone  # noqa: E402
from somahub.local.venvs import Venvs  # noqa: E402

ROOT = os.geteuid() == 0
WRAPPER = Path("/usr/local/bin/somahub")


def main(words: list[str]) -> int:
    """Run one command; what goes wrong on purpose is one line and what helps against it."""
    commands = {"up": up, "down": down, "doctor": doctor, "apps": apps, "images": images}
    name, *rest = words or [""]
    if name not in {*commands, "somahub", *rehearse.TARGETS} or (rest and name != "somahub"):
        console.fault(f"say one of: {', '.join([*commands, *rehearse.TARGETS, 'somahub …'])}")
        return 2
    place = layout.from_environment(dict(os.environ), ROOT)
    try:
        if fault := place.fault():
            raise SetupError(fault)
        if name == "somahub":
            return somahub(rest, place)
        return rehearsal(name, place) if name in rehearse.TARGETS else commands[name](place)
    except SetupError as error:
        console.fault(str(error), error.mend)
        return 1
    except KeyboardInterrupt:
        console.fault("interrupted; nothing half-made is in use")
        return 130


def up(place: Layout) -> int:
    """Set up what is missing, then start somahub as its user."""
    user = _prepare(place)
    _check_ports(user)
    with alone(place.cache, "another make is setting up; waiting for it"):
        venv = Venvs(CLONE, place, user).hub()
    _offer_command(place, user)
    user.become([venv / "bin/python", "-m", "somahub.local", "up"])


def down(place: Layout) -> int:
    """Stop somahub and its sessions, with the code that is in use; nothing is installed for it."""
    if not place.venv.exists() or not place.run.exists():
        console.say(f"somahub is not running with its data in {place.data}.")
        return 0
    _known(place).become([place.venv.resolve() / "bin/python", "-m", "somahub.local", "down"])


def apps(place: Layout) -> int:
    """Build every app's environment."""
    user = _prepare(place)
    with alone(place.cache, "another make is setting up; waiting for it"):
        venv = Venvs(CLONE, place, user).hub()
    user.become([venv / "bin/python", "-m", "somahub.cli", "apps", "build"])


def images(_place: Layout) -> NoReturn:
    """Build the container images, as whoever called: who may use podman or docker."""
    words = ["build", "--source", str(CLONE), "--values", str(CLONE / "build/images.yaml")]
    for name in ("REGISTRY", "BASE", "ENGINE"):
        words += [f"--{name.lower()}", os.environ[name]] if os.environ.get(name) else []
    words += os.environ.get("NAMES", "").split()
    environment = {**os.environ, "PYTHONPATH": str(CLONE / "hub"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["/usr/bin/python3", "-m", "somahub.images", *words]
    os.execve(command[0], command, environment)  # noqa: S606  no shell is wanted


def doctor(place: Layout) -> int:
    """Say what this machine lacks; changes nothing."""
    from somahub.local import gather

    name = os.environ.get("SOMAHUB_USER", "somahub")
    return gather.report(place, packages.user(name) if ROOT else None, dict(os.environ))


def somahub(words: list[str], place: Layout) -> int:
    """Run the command `somahub` as the hub's user, with the code that is in use."""
    if not place.venv.exists():
        raise SetupError("somahub is not set up yet", "make up")
    _known(place).become([place.venv.resolve() / "bin/python", "-m", "somahub.cli", *words])


def rehearsal(name: str, place: Layout) -> int:
    """Run one of the developer's targets, in a copy of the checkout and as the hub's user."""
    target = rehearse.TARGETS[name]
    if target.root and not ROOT:
        raise SetupError(f"make {name} starts a cluster on this machine, which only root can", f"sudo make {name}")
    every = [package for one in target.lists for package in packages.wanted(CLONE / f"requirements/{one}.txt")]
    if target.root:
        # What root runs lies where only root writes.
        place = replace(place, cache=place.cache.with_name(f"{place.cache.name}-root"))
        user = _as_root(place, tuple(every))
    else:
        user = _prepared(place, tuple(every) or ("python3-venv",), sessions=bool(every))
    with alone(place.cache, "another make is setting up; waiting for it"):
        ready = rehearse.prepare(Venvs(CLONE, place, user))
    return rehearse.run(target, CLONE, ready, user)


def _prepare(place: Layout) -> Runner:
    """What only root can do for running somahub, done or asked for; then a runner for all the rest."""
    return _prepared(place, packages.wanted(packages.system_list()), sessions=True)


def _prepared(place: Layout, wanted: tuple[str, ...], *, sessions: bool) -> Runner:
    lacking = packages.missing(wanted, os.environ.get("PATH", ""))
    if not ROOT:
        return _unprivileged(place, lacking, sessions)
    _install(lacking)
    if sessions:
        packages.open_tun()
    user = packages.make_user(os.environ.get("SOMAHUB_USER", "somahub"), place.data)
    for folder in (place.data, place.cache):
        _give(folder, user.pw_uid, user.pw_gid)
    return runner(user, _settings(place), place.data, place.cache)


def _as_root(place: Layout, wanted: tuple[str, ...]) -> Runner:
    """Install what is wanted, and make a runner that stays root."""
    _install(packages.missing(wanted, os.environ.get("PATH", "")))
    place.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.cache.stat().st_uid != 0:
        raise SetupError(f"{place.cache} does not belong to root", "choose another: SOMAHUB_CACHE")
    return runner(None, _settings(place), place.cache, place.cache)


def _install(lacking: tuple[str, ...]) -> None:
    if lacking:
        packages.install(lacking)
        if still := packages.missing(lacking, os.environ.get("PATH", "")):
            raise SetupError(f"installed, but still without their programs on PATH: {' '.join(still)}")


def _unprivileged(place: Layout, lacking: tuple[str, ...], sessions: bool) -> Runner:
    tun = packages.tun_fault() if sessions else None
    faults = [f"these system packages are missing: {' '.join(lacking)}"] if lacking else []
    if faults or tun:
        raise SetupError("; ".join([*faults, *([tun] if tun else [])]), packages.root_line(lacking, tun=bool(tun)))
    for folder in (place.data, place.cache):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"{folder} could not be made: {error.strerror}", "choose others: SOMAHUB_DATA, SOMAHUB_CACHE"
            ) from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SetupError(f"{folder} is not yours to write in", "choose another, or run: sudo make up")
    return runner(None, _settings(place), Path("~").expanduser(), place.cache)


def _known(place: Layout) -> Runner:
    """A runner for what is set up already: whoever owns the data."""
    if not ROOT:
        return runner(None, _settings(place), Path("~").expanduser(), place.cache)
    user = packages.make_user(os.environ.get("SOMAHUB_USER", "somahub"), place.data)
    return runner(user, _settings(place), place.data, place.cache)


def _settings(place: Layout) -> dict[str, str]:
    """The caller's environment, with the folders said: the hub's user would guess others."""
    return {**os.environ, "SOMAHUB_DATA": str(place.data), "SOMAHUB_CACHE": str(place.cache)}


def _give(folder: Path, uid: int, gid: int) -> None:
    """Make a folder that only the hub's user may open; the folders above it stay root's, and open."""
    try:
        folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, gid)
    except OSError as error:
        raise SetupError(
            f"{folder} could not be made: {error.strerror}", "choose others: SOMAHUB_DATA, SOMAHUB_CACHE"
        ) from None
    if folder.stat().st_uid != uid:
        mend = f"chown -R {uid}:{gid} {folder}, if nobody else needs it; or choose another: SOMAHUB_DATA, SOMAHUB_CACHE"
        raise SetupError(f"{folder} does not belong to the hub's user", mend)


def _check_ports(user: Runner) -> None:
    """Fail at once, while root sees who holds a port; what the hub's own user holds is looked at later, by `up`."""
    ours = user.user.pw_uid if user.user else os.getuid()
    for setting, port in (("SOMAHUB_PORT", "8000"), ("SOMAHUB_HUB_PORT", "8081"), ("SOMAHUB_PROXY_PORT", "8082")):
        said = os.environ.get(setting, port)
        holder = listeners.listener(int(said)) if said.isdigit() else None
        if holder and holder.uid != ours:
            raise SetupError(listeners.taken(holder), listeners.choose(setting, holder.port))


def _offer_command(place: Layout, user: Runner) -> None:
    """Put the command `somahub` on root's path: it runs as the hub's user, with the settings of this start.

    There is one such command; a second somahub on the same machine does not take it from the first.
    """
    if not ROOT or user.user is None or _speaks_for_another(place):
        return
    said = {**{k: v for k, v in os.environ.items() if k.startswith("SOMAHUB_")}, **_folders(place)}
    text = wrapper(said, user.user.pw_name)
    if not WRAPPER.exists() or WRAPPER.read_text() != text:
        new = WRAPPER.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o755)
        new.replace(WRAPPER)
        console.say(f"  the command {WRAPPER.name} is in {WRAPPER.parent}")


def _speaks_for_another(place: Layout) -> bool:
    if not WRAPPER.exists() or place == layout.from_environment({}, ROOT):
        return False
    found = re.search(r'"\$\{SOMAHUB_DATA:=(.*?)\}"', WRAPPER.read_text())
    return found is not None and found[1] != str(place.data) and Path(found[1]).exists()


def _folders(place: Layout) -> dict[str, str]:
    return {"SOMAHUB_DATA": str(place.data), "SOMAHUB_CACHE": str(place.cache)}


def wrapper(said: dict[str, str], user: str) -> str:
    """The command `somahub` for root, as a shell script. ``said``: the settings, the two folders among them."""
    settings = "\n".join(f': "${{{name}:={_quoted(value)}}}"; export {name}' for name, value in sorted(said.items()))
    return f"""#!/bin/sh
# Made by `make up`: somahub as the hub's own user, with the settings of the last start.
{settings}
cd /
umask 077
python=$SOMAHUB_CACHE/hub/current/bin/python
if [ "$(id -u)" = 0 ]; then
    export HOME="$SOMAHUB_DATA"
    exec setpriv --reuid={user} --regid={user} --init-groups "$python" -m somahub.cli "$@"
fi
if [ "$(id -un)" != {user} ]; then
    echo "somahub: run it as root: sudo somahub $*" >&2
    exit 1
fi
exec "$python" -m somahub.cli "$@"
"""


def _quoted(value: str) -> str:
    """A value as it stands inside double quotes of a shell's default assignment."""
    return "".join(f"\\{letter}" if letter in '\\"$`}' else letter for letter in value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
