"""A base image from Debian's packages alone, for where no registry of images can be reached."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from somahub.errors import SetupError
from somahub.images.engine import Engine
from somahub.images.mirrors import STOCK, mirror
from somahub.local.packages import apt_reason

NAME = "localhost/somahub-debian:12"
SUITE = "bookworm"

# What the image fetches its packages from later: Debian's own addresses, not this machine's.
_SOURCES = f"""\
deb {STOCK} {SUITE} main
deb {STOCK} {SUITE}-updates main
deb {STOCK}-security {SUITE}-security main
"""
LEFT = ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/locale", "usr/share/man", "usr/share/info")


def make(engine: Engine) -> None:
    """Install Debian's smallest system into a folder, and import it as :data:`NAME`; raises SetupError."""
    if os.geteuid() != 0:
        raise SetupError("a base image is made by root alone: its files belong to root", "run the same as root")
    program = shutil.which("debootstrap", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        raise SetupError("debootstrap is not installed", "apt-get install debootstrap")
    with tempfile.TemporaryDirectory(dir=engine.scratch) as scratch:
        root = Path(scratch) / "root"
        done = subprocess.run(
            [program, "--variant=minbase", SUITE, str(root), mirror(SUITE)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"debootstrap failed: {apt_reason(done.stdout)}", "check how this machine reaches Debian")
        tidy(root)
        archive = Path(scratch) / "root.tar"
        with tarfile.open(archive, "w") as packed:
            packed.add(root, arcname=".")
        engine.load_root(archive, NAME)


def tidy(root: Path) -> None:
    """Take out manuals, and what says how and from where the packages came."""
    for folder in LEFT:
        for entry in (root / folder).glob("*"):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for file in (root / "usr/share/doc").rglob("*"):
        if not file.is_dir() and file.name != "copyright":
            file.unlink()
    (root / "etc/apt/sources.list").write_text(_SOURCES)
    for made in ("etc/resolv.conf", "etc/hostname"):
        (root / made).unlink(missing_ok=True)
