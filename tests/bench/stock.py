"""JupyterHub with jupyter-remote-desktop-proxy, from a lock of its own, started beside somahub."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

HERE = Path(__file__).parent
LOCK = HERE / "stock.txt"
NAMES = ("jupyterhub", "jupyter-remote-desktop-proxy", "jupyterlab")


def versions() -> str:
    """What it consists of, from its lock."""
    pinned = dict(line.split(" ")[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    return ", ".join(f"{name} {pinned[name]}" for name in NAMES)


def environment(cache: Path) -> Path:
    """Its virtual environment below ``cache``, installed and compiled as somahub's own are."""
    place = cache / "bench" / f"stock-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not place.is_dir():
        partial = place.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _uv("venv", "-q", "--relocatable", "--no-project", "--python", "/usr/bin/python3", str(partial))
        words = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--compile-bytecode"]
        _uv("pip", "install", "-q", "--python", str(partial / "bin/python"), *words, "-r", str(LOCK))
        partial.rename(place)
    return place


def _uv(*words: str) -> None:
    subprocess.run(["uv", *words], check=True)


@dataclass
class Stock:
    """One instance: its data in ``folder``, its programs from ``venv``; ``url`` answers after :meth:`up`."""

    venv: Path
    folder: Path
    port: int
    hub_port: int
    proxy_port: int
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    _hub: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Start it, and wait for its login page."""
        (self.folder / "homes").mkdir(parents=True)
        desktop = self.folder / "desktop"
        shutil.copy(HERE / "stock_desktop", desktop)
        desktop.chmod(0o755)
        told = {
            "BENCH_FOLDER": str(self.folder),
            "BENCH_PORTS": f"{self.port} {self.hub_port} {self.proxy_port}",
            "BENCH_TOKEN": self.token,
            "BENCH_DESKTOP": str(desktop),
            "PATH": f"{self.venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "USER": os.environ.get("USER", "somahub"),
        }
        with (self.folder / "hub.log").open("wb") as log:
            self._hub = subprocess.Popen(
                [self.venv / "bin/python", "-m", "jupyterhub", "-f", HERE / "stock_config.py"],
                env=told,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while not self._answers():
            if self._hub.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the other hub did not start:\n{(self.folder / 'hub.log').read_text()[-2000:]}")
            time.sleep(0.2)

    def down(self) -> None:
        """End it and its sessions; its hub ends its proxy."""
        if self._hub:
            self._hub.terminate()
            self._hub.wait(timeout=60)
        self.end_sessions()

    def home(self, person: str) -> Path:
        """A person's home."""
        return self.folder / "homes" / person

    def processes(self) -> list[int]:
        """The numbers of all processes of its sessions, known by their home."""
        mark = b"HOME=" + os.fsencode(self.folder / "homes") + b"/"
        return [pid for pid, variables in _environments() if any(one.startswith(mark) for one in variables)]

    def end_sessions(self) -> None:
        """End what a session leaves behind when its server ends: the display server, and what runs in it."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/login", timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    """The environment of each of our own processes."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                yield int(folder.name), (folder / "environ").read_bytes().split(b"\0")
