"""Passwords: making first ones, judging chosen ones, and their argon2 hashes."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST: Final = 10
LONGEST: Final = 1024

# Digits and small letters without i, l, o and u, which are misread: five bits each.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS: Final = 4
_GROUP: Final = 4
# RFC 9106, second recommended option: 64 MiB, 3 passes; about 50 ms of a core.
_hasher: Final = PasswordHasher()
_NOBODYS: Final = _hasher.hash(secrets.token_hex())


def make() -> str:
    """A password of 80 bits that can be read out and typed: ``3k7d-9wqx-m2fa-t8zn``."""
    letters = [[secrets.choice(_ALPHABET) for _ in range(_GROUP)] for _ in range(_GROUPS)]
    return "-".join("".join(group) for group in letters)


def why_not(password: str, name: str) -> str:
    """Why ``name`` cannot choose ``password``, in one line; an empty string when they can."""
    if len(password) < SHORTEST:
        return f"the new password is too short: take at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"the new password is too long: take at most {LONGEST} characters"
    if len(set(password)) < SHORTEST // 2 or name in password.lower():
        return "the new password is easily guessed: take several words, without your user name"
    return ""


def digest(password: str) -> str:
    """The argon2id hash to keep."""
    return _hasher.hash(_same(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether ``password`` is the one behind ``kept``. Nobody's hash (None) takes as long, and never matches."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher.verify(kept or _NOBODYS, _same(password)) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


def _same(password: str) -> bytes:
    # One keyboard writes é as one character, another as two.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
