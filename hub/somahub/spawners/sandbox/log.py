"""What a session's programs say, kept to a size."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 1 << 20  # bytes; as much again is kept in the file before
_READS = 16  # of as much as a pipe holds


class Log:
    """A pipe that programs write into and a file that it is emptied into, renamed to ``.1`` when full."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def take(self) -> None:
        """Move what was said so far from the pipe to the file.

        Returns although more keeps coming: whoever holds a session must hear that it is to end, and watch its memory,
        however much its programs say.
        """
        for _ in range(_READS):
            try:
                said = os.read(self.reader, 65536)
            except BlockingIOError:
                return
            if not said:
                return
            with self.file.open("ab") as log:
                log.write(said)
                full = log.tell() > LIMIT
            if full:
                self.file.replace(self.file.with_name(f"{self.file.name}.1"))

    def last_line(self) -> str:
        """The last line said; empty when nothing was."""
        return last_line(self.file)


def last_line(file: Path) -> str:
    """The last line of a log that has words in it, at most 300 characters; it will be shown, so all can be seen."""
    try:
        lines = file.read_bytes()[-65536:].decode(errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    seen = ("".join(letter if letter.isprintable() else " " for letter in line).strip() for line in reversed(lines))
    return next((line[:300] for line in seen if line), "")
