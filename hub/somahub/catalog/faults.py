"""What is wrong with a document, as one line for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

Path = tuple[str | int, ...]

_VALUE_LENGTH: Final = 60


class _Nothing:
    """No value to show: ``None`` is a value of its own in YAML."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong thing: where it lies, the rule it breaks, the value found, the word perhaps meant.

    ``line`` counts from 1; 0 where the fault has no line, as with a missing file.
    """

    file: str
    line: int
    path: Path
    rule: str
    value: Any = NOTHING
    nearest: str = ""

    def __str__(self) -> str:
        """The fault on one line: ``file:line: path: rule, got value; did you mean 'word'?``."""
        where = [_printable(self.file) + (f":{self.line}" if self.line else "")]
        if self.path:
            where.append(render_path(self.path))
        text = ": ".join([*where, self.rule])
        if self.value is not NOTHING:
            text += f", got {render_value(self.value)}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        return text


def render_path(path: Path) -> str:
    """A path in a document, ``a.b[2].c``; a key that is not a plain word is quoted: ``a["b c"]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and part.replace("-", "").replace("_", "").isalnum() and part.isascii():
            text += f".{part}" if text else part
        else:
            text += f"[{render_value(part)}]"
    return text


def render_value(value: Any) -> str:
    """A value from YAML in one short line, spelled as a person would in YAML."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal() | date():
            text = str(value)
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            text = repr(str(value))
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


def nearest(word: object, known: Iterable[str]) -> str:
    """The known word that ``word`` is most likely a misspelling of, or an empty string."""
    if not isinstance(word, str):
        return ""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.strip().lower()[:_VALUE_LENGTH], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def words(names: Iterable[str]) -> str:
    """Names in a sentence: ``'a', 'b' or 'c'``; "none" where there are none."""
    quoted = [repr(name) for name in sorted(names)]
    if len(quoted) < 2:
        return "".join(quoted) or "none"
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)
