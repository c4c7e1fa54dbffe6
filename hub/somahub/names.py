"""Names of people, and slugs: the same names, safe in paths, pods and host names. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Final

LONGEST_SLUG: Final = 32
LONGEST_NAME: Final = 64

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+@-]*")
# Words of small letters and digits, one '-' between them: a DNS label, and nothing but one (RFC 1035).
_PLAIN: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# Never in a plain name, so no name that is changed meets one that is not.
_SEAM: Final = "--"
_DIGITS: Final = 12


def why_not(name: str) -> str:
    """Why ``name`` cannot be a user name, in one line; an empty string when it can."""
    if len(name) <= LONGEST_NAME and _NAME.fullmatch(name):
        return ""
    shown = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    return (
        f"{shown!r} cannot be a user name: take 1 to {LONGEST_NAME} of small letters, digits and . _ + @ -, "
        "a letter or a digit first"
    )


def slug(name: str) -> str:
    """A DNS label of 1 to 32 characters for any user name, and another one for any other name.

    A name that is a label already stays as it is, so folders and pods can be read; any other keeps what
    can be kept of it, and gets 48 bits of its hash, which make it its own.
    """
    if len(name) <= LONGEST_SLUG and _PLAIN.fullmatch(name):
        return name
    kept = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    kept = kept.lstrip("0123456789-")[: LONGEST_SLUG - len(_SEAM) - _DIGITS].rstrip("-") or "x"
    return kept + _SEAM + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
