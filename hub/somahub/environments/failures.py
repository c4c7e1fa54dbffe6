"""Why the installer failed, in one line, and what helps: a table over what uv says."""

from __future__ import annotations

import re
from dataclasses import dataclass

_AGAIN = "then start it again: what was downloaded is kept"


@dataclass(frozen=True, slots=True)
class Failure:
    """``why`` completes "… could not be built: "; ``mend`` is what a person can do."""

    why: str
    mend: str


def explain(said: str, status: int, cache: str) -> Failure:
    """Why the installer ended with ``status`` (negative: by that signal) after it ``said`` so.

    ``cache`` is the folder whose disk it writes to.
    """
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return disk_full(cache)
    if match := re.search(r"Hash mismatch for `([^`]+)`", said):
        return Failure(
            f"what was downloaded as {match[1]} is not what the lock promises (its SHA-256 differs)",
            "Ask who runs the package registry; if the package was replaced on purpose, renew the lock by `make locks`",
        )
    if "invalid peer certificate" in said:
        return Failure(
            f"{_registry(said)} shows a certificate that this machine does not trust",
            f"Add the lab's own authority to /etc/ssl/certs (update-ca-certificates), {_AGAIN}",
        )
    if "error sending request" in said or "dns error" in said or "error decoding response body" in said:
        return Failure(
            f"{_registry(said)} could not be reached ({_deepest_cause(said)})",
            f"Check this machine's network, its proxy, or UV_DEFAULT_INDEX, {_AGAIN}",
        )
    if match := re.search(r"Because ([^\n]*?) (?:was|were) not found in the package registry", said):
        return Failure(
            f"the package registry does not have {match[1]}",
            "Check the package's name in the lock, or UV_DEFAULT_INDEX where the lab has its own registry",
        )
    if match := re.search(r"HTTP status (?:client|server) error \((\d+ [^)]+)\)", said):
        return Failure(
            f"{_registry(said)} answered {match[1]}",
            f"Check the registry, its login and UV_DEFAULT_INDEX, {_AGAIN}",
        )
    if match := re.search(r"Because (\S+) has no usable wheels", said):
        return Failure(
            f"{match[1]} has no wheel for this machine",
            f"Name {match[1].split('==')[0]} under from_source in the recipe to let it be built here",
        )
    if match := re.search(r"Failed to build `([^`]+)`", said):
        return Failure(f"{match[1]} could not be built from its source", "The environment's log says more")
    if status < 0:
        return stopped(-status)
    return Failure(_first_error(said) or f"the installer ended with status {status}", "The environment's log says more")


def disk_full(cache: str) -> Failure:
    """The disk has no room left."""
    return Failure(f"the disk that holds {cache} is full", f"Free some space there, {_AGAIN}")


def stopped(signal: int) -> Failure:
    """Somebody, or the kernel for want of memory, ended the build."""
    return Failure(
        f"it was stopped (signal {signal})" if signal != 9 else "it was killed (perhaps for want of memory)",
        "Start it again: what was downloaded is kept",
    )


def _registry(said: str) -> str:
    match = re.search(r"https?://(?:[^/@\s]*@)?([^/\s)]+)", said)
    return f"the package registry at {match[1]}" if match else "the package registry"


def _deepest_cause(said: str) -> str:
    causes = re.findall(r"^\s*cause: (.+)$", said, re.MULTILINE)
    return re.sub(r" \(os error \d+\)$", "", causes[-1].strip()).lower() if causes else "no answer"


def _first_error(said: str) -> str:
    match = re.search(r"^error: (.+)$", said, re.MULTILINE)
    return match[1].strip() if match else ""
