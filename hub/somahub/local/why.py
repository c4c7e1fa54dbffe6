"""Why a hub ended, as one line from its log. Pure."""

from __future__ import annotations

import re

# An exception of ours as Python prints it, and what it says on the lines after it.
_OURS = re.compile(r"^somahub\.errors\.\w+Error: (?P<line>.+)$")
_PYTHON = re.compile(r"^(?P<line>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Fault|Warning)?: .+)$")
_LOGGED = re.compile(r"^\[[CE] [^\]]*\] ?(?P<line>.*)$")


def why(log: str) -> str:
    """What a person needs to read of the log that a failed start wrote."""
    lines = [line.strip() for line in log.splitlines()]
    for number in range(len(lines) - 1, -1, -1):
        if found := _OURS.match(lines[number]):
            return "\n".join([found["line"], *_rest(lines[number + 1 :])])
    for pattern in (_PYTHON, _LOGGED):
        for line in reversed(lines):
            if (found := pattern.match(line)) and found["line"]:
                return found["line"][:400]
    said = [line for line in lines if line]
    return said[-1][:400] if said else "it ended without a word"


def _rest(lines: list[str]) -> list[str]:
    """The further lines of an exception that names several faults."""
    rest = []
    for line in lines:
        if not line or line.startswith(("[", "Traceback")):
            break
        rest.append(line)
    return rest
