"""The documents of a catalogue as pydantic models: what may stand in them, field by field.

Every model refuses unknown keys and reads strictly: a number in quotes is text, and `true` is no number.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_PREFIX: Final = re.compile(r"(?=.{1,253}/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*/")
_SIZE: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([A-Za-z]+)")
_UNITS: Final = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def _wrong(rule: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise _wrong("must be 1 to 32 of a-z, 0-9 and '-', without '-' at either end")
    return value


def _one_line(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise _wrong("must not be empty")
    if not text.isprintable():
        raise _wrong("must have only characters that can be seen")
    return text


def _cpus(value: object) -> object:
    """A YAML number, exact as read, as the float that it is from here on."""
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _money(value: object) -> Decimal:
    """Dollars, which may stand in quotes as well: ``"0.844"`` is ``0.844``."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    quoted = isinstance(value, str) and re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", value)
    if not (whole or quoted or isinstance(value, Decimal)):
        raise _wrong("must be dollars, such as 0.844")
    return Decimal(str(value))


def _memory(value: object) -> object:
    """``4 GiB`` in bytes."""
    if not isinstance(value, str):
        raise _wrong("must be a size with its unit, such as 4 GiB")
    match = _SIZE.fullmatch(value.strip())
    if match is None or match[2] not in _UNITS:
        raise _wrong("must be a size in MiB, GiB or TiB, such as 4 GiB")
    size = Decimal(match[1]) * _UNITS[match[2]]
    if not 128 * 2**20 <= size <= 64 * 2**40:
        raise _wrong("must be between 128 MiB and 64 TiB")
    return int(size)


def _day(value: object) -> object:
    """A day, as the moment (UTC) at which it begins."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise _wrong("must be a day that exists, written year-month-day, such as 2026-11-01")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _label_key(value: str) -> str:
    prefix = _PREFIX.match(value)
    if not _LABEL.fullmatch(value[prefix.end() :] if prefix else value):
        raise _wrong("must be the key of a Kubernetes label, such as nvidia.com/gpu")
    return value


def _label_value(value: str) -> str:
    if value and not _LABEL.fullmatch(value):
        raise _wrong("must be the value of a Kubernetes label: at most 63 of letters, digits, '-', '_' and '.'")
    return value


Name = Annotated[str, AfterValidator(_name)]
Title = Annotated[str, Field(max_length=60), AfterValidator(_one_line)]
Description = Annotated[str, Field(max_length=400), AfterValidator(_one_line)]
Cpus = Annotated[float, BeforeValidator(_cpus), Field(ge=0.1, le=1024)]
Memory = Annotated[int, BeforeValidator(_memory)]
Money = Annotated[Decimal, BeforeValidator(_money), Field(ge=0, le=100_000)]
Day = Annotated[datetime, BeforeValidator(_day)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TolerationDocument(_Document):
    """A taint that pods of a hardware class may run beside."""

    key: LabelKey
    operator: Literal["Exists", "Equal"] = "Equal"
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if (self.operator == "Equal") != (self.value is not None):
            raise _wrong("needs a value with the operator Equal, and none with Exists")
        return self


class KubernetesDocument(_Document):
    """Where pods of a hardware class run."""

    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: list[TolerationDocument] = []


class HardwareDocument(_Document):
    """One class of hardware.yaml."""

    title: Title
    cpus: Cpus
    memory: Memory
    gpus: int = Field(default=0, ge=0, le=64)
    kubernetes: KubernetesDocument = KubernetesDocument()


class HardwareFile(RootModel[dict[Name, HardwareDocument]]):
    """hardware.yaml: class name → what it has."""


class PriceDocument(_Document):
    """What an hour costs from a day on."""

    since: Day
    usd_per_hour: Money


class PriceFile(RootModel[dict[Name, Annotated[list[PriceDocument], Field(min_length=1)]]]):
    """prices.yaml: class name → its prices, the oldest first."""


class ChoicesDocument(_Document):
    """The hardware that a profile offers, and what its card starts with."""

    choices: list[str] = Field(min_length=1)
    default: str


class ProfileDocument(_Document):
    """A profile: one file, one card."""

    name: Name
    title: Title
    description: Description
    app: str
    opens: Literal["desktop", "notebook"]
    hardware: ChoicesDocument
