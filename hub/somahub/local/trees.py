"""The source tree as bytes: its digest, and a copy that another user may read."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# Made by building or testing, so no part of what is built from.
MADE = frozenset({"__pycache__", "node_modules"})
BUILT = Path("extensions/somahub_lab/static")


def files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files below ``root``'s entries ``names``, in order; hidden files and what is made are left out.

    A link is what it leads to: the chart has the profiles by one.
    """
    for name in sorted(names):
        top = root / name
        if top.is_file():
            yield top
        for folder, folders, entries in os.walk(top, followlinks=True):
            folders[:] = sorted(entry for entry in folders if entry not in MADE and not entry.startswith("."))
            if root / BUILT == Path(folder):
                folders.clear()
                continue
            for entry in sorted(entries):
                if not entry.endswith(".pyc") and (not entry.startswith(".") or entry == ".npmrc"):
                    yield Path(folder) / entry


def digest(root: Path, names: Iterable[str], *more: str) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of those files: paths, contents, and who may run them."""
    whole = hashlib.sha256("\0".join(more).encode())
    for file in files(root, names):
        runs = "x" if file.stat().st_mode & 0o100 else "-"
        whole.update(f"\0{file.relative_to(root)}\0{runs}\0".encode())
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:12]


def packed(root: Path, names: Iterable[str]) -> bytes:
    """The files as a tar archive that names no owner and no time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file in files(root, names):
            data = file.read_bytes()
            entry = tarfile.TarInfo(str(file.relative_to(root)))
            entry.size = len(data)
            entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def unpack(archive: bytes, into: Path, below: Iterable[str]) -> list[Path]:
    """Write an archive's plain files, those below the entries ``below`` alone, and return their paths.

    The archive may come from a less trusted user: links, devices and paths that lead out of ``into`` are left out.
    """
    written = []
    allowed = {Path(name) for name in below}
    with tarfile.open(fileobj=io.BytesIO(archive)) as entries:
        for entry in entries:
            path = Path(entry.name)
            inside = ".." not in path.parts and allowed & {path, *path.parents}
            source = entries.extractfile(entry) if entry.isfile() and inside else None
            if source is None:
                continue
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
            written.append(target)
    return written
