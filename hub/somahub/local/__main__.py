"""``python -m somahub.local up|down``: what the Makefile's set-up calls, as the hub's user."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from somahub.local import console
from somahub.local.down import down
from somahub.local.up import up
from somahub.settings import Settings


def main(words: list[str]) -> int:
    """Run one of the two; a wrong setting is one line."""
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(["SOMAHUB", *(str(part).upper() for part in fault["loc"])])
            console.fault(f"{name}: {fault['msg']}, got {fault['input']!r}")
        return 1
    return {"up": up, "down": down}[words[0]](settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
