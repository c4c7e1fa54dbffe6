"""What one running hub knows: its settings, its catalogue, its machine and its ledger."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from pathlib import Path

import psutil
import pynvml

from somahub import availability, catalog, pricing
from somahub.catalog import Catalog
from somahub.environments.shelf import Shelf, open_shelf
from somahub.errors import CatalogError, SetupError, SomahubError
from somahub.ledger import Ledger
from somahub.model import Fact, Hardware, Holding, Machine, Price, Profile, Refused
from somahub.settings import Settings


@dataclass(frozen=True)
class Instance:
    """One machine's hub. Reads its catalogue once: a change of documents is taken up by ``make up``."""

    settings: Settings
    catalog: Catalog
    ledger: Ledger
    machine: Machine
    shelf: Shelf

    @cached_property
    def prices(self) -> tuple[Price, ...]:
        """All prices, of every hardware class."""
        return tuple(chain.from_iterable(self.catalog.prices.values()))

    def choose(self, profile: str, hardware: str) -> tuple[Profile, Hardware]:
        """The profile and hardware of those names; raises CatalogError when they are not offered."""
        if profile not in self.catalog.profiles:
            raise CatalogError(f"no profile is named {profile!r}; choose one of {', '.join(self.catalog.profiles)}")
        chosen = self.catalog.profiles[profile]
        if hardware not in chosen.hardware:
            raise CatalogError(f"{chosen.title} is not offered on {hardware!r}; choose {', '.join(chosen.hardware)}")
        return chosen, self.catalog.hardware[hardware]

    def usd_per_hour(self, hardware: str) -> Decimal:
        """What an hour of a hardware class costs now, in US dollars."""
        return pricing.price_at(self.prices, hardware, datetime.now(UTC)).usd_per_hour

    def holdings(self, running: Sequence[Fact] | None = None) -> list[Holding]:
        """What the sessions hold that run now, the longest first."""
        facts = self.ledger.open_sessions() if running is None else running
        details = [(fact, dict(fact.detail)) for fact in facts]
        return [
            Holding(fact.session, fact.person, self.catalog.hardware[detail["hardware"]], fact.at)
            for fact, detail in details
            if detail["hardware"] in self.catalog.hardware
        ]

    def free_gpus(self, hardware: Hardware) -> tuple[str, ...]:
        """The devices that a session of ``hardware`` gets; raises SomahubError with why when it cannot start now."""
        running = self.ledger.open_sessions()
        verdict = availability.verdict(hardware, self.machine, self.holdings(running))
        if isinstance(verdict, Refused):
            raise SomahubError(verdict.why, mend="stop another session, or choose other hardware")
        held = {gpu for fact in running for gpu in dict(fact.detail).get("gpus", "").split(",")}
        return tuple(gpu for gpu in self.machine.gpus if gpu not in held)[: hardware.gpus]


def shipped(folder: str) -> Path:
    """A folder that ships with somahub (``images``, ``profiles``): in the wheel, or in a checkout."""
    package = Path(__file__).parent
    in_wheel = package / f"_{folder}"
    if in_wheel.is_dir():
        return in_wheel
    return package.parents[1] / {"images": "images", "profiles": "spawner_profiles"}[folder]


def open_instance(settings: Settings) -> Instance:
    """Read the catalogue, look at the machine and open the ledger, as the settings say.

    Raises CatalogError with one line a fault, or LedgerError.
    """
    images = settings.images or shipped("images")
    ledger = Ledger(f"sqlite:///{settings.data}/somahub.sqlite")
    ledger.migrate()
    return Instance(
        settings=settings,
        catalog=catalog.load(settings.profiles or shipped("profiles"), images),
        ledger=ledger,
        machine=look(),
        shelf=open_shelf(images, settings.cache, own_wheel()),
    )


def own_wheel() -> Path:
    """The wheel that this somahub was installed from: ``make up`` leaves it beside the environment.

    Raises SetupError when it is not there, as in a checkout that was never set up.
    """
    wheels = sorted(Path(sys.prefix).glob("somahub-*.whl"))
    if not wheels:
        raise SetupError(f"somahub's own wheel is not in {sys.prefix}", mend="make up")
    return wheels[-1]


def look() -> Machine:
    """What this machine has: processor cores that we may use, memory in bytes, and NVIDIA GPUs by index."""
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        memory=psutil.virtual_memory().total,
        gpus=_gpus(),
    )


def _gpus() -> tuple[str, ...]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()  # no driver, so no GPU that a session could use: the card says so
    try:
        return tuple(str(index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()
