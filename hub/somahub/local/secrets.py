"""Random keys that only the hub's user can read, one a file, made when first asked for."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from somahub.local.layout import Layout
from somahub.settings import Settings

# The session cookies' key is JupyterHub's own, which wants bytes in hexadecimal; the others are passwords.
BYTES = 32


def read(settings: Settings, name: str) -> str:
    """The key called ``name``, the same for ever: 64 hexadecimal digits."""
    return of(Layout(settings.data, settings.cache).secrets / name)


def of(file: Path) -> str:
    """The key in a file; made there, in one step and for its owner alone, when there is none."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as fresh:
            fresh.write(secrets.token_hex(BYTES))
        try:
            # A link, not a rename: of two that make it at once, one wins and both read the same.
            file.hardlink_to(new)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return file.read_text().strip()
