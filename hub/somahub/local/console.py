"""What a person reads while somahub is set up and started: one line a step, and a small table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def say(line: str) -> None:
    """One line, at once even where the output is a file."""
    print(line, flush=True)


def fault(line: str, mend: str = "") -> None:
    """One line that says what is wrong, and one that says what helps."""
    print(f"somahub: {line}", file=sys.stderr, flush=True)
    if mend:
        print(f"  what helps: {mend}", file=sys.stderr, flush=True)


@contextmanager
def step(words: str) -> Iterator[None]:
    """Tell what begins, and how many seconds it took."""
    began = time.monotonic()
    live = sys.stdout.isatty()
    if live:
        print(f"  {words} …", end="", flush=True)
    try:
        yield
    except BaseException:
        print(f"{chr(13) if live else ''}  {words} … failed", flush=True)
        raise
    print(f"{chr(13) if live else ''}  {words:<58}{time.monotonic() - began:6.1f} s", flush=True)


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Rows of a name and what it is, the names in one column."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {what}" for name, what in rows)
