"""This machine as the tier that sessions run on: what it has, and the app environments that are built on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml

from somahub import availability
from somahub.environments.shelf import Shelf, open_shelf
from somahub.errors import SetupError, SomahubError
from somahub.instance import Instance, shipped
from somahub.model import App, Hardware, Holding, Machine, Refused, Verdict
from somahub.settings import Settings


@dataclass(frozen=True)
class ThisMachine:
    """One machine and its environments."""

    machine: Machine
    shelf: Shelf
    images: Path

    def verdict(self, hardware: Hardware, holdings: Sequence[Holding]) -> Verdict:
        """Whether a session on ``hardware`` can start beside what others hold."""
        return availability.verdict(hardware, self.machine, holdings)

    def apps(self) -> Path:
        """The folder of the apps' recipes."""
        return self.images

    def app(self, name: str) -> App:
        """An app, with the digest of what would be installed now."""
        return self.shelf.app(name)

    def icon(self, name: str) -> str:
        """An app's picture, as SVG."""
        return self.shelf.recipes[name].icon.read_text()

    def note(self, name: str) -> str:
        """What a card says of an app's first start; nothing when it is built."""
        return self.shelf.note(name)


def this_machine(settings: Settings) -> ThisMachine:
    """Look at this machine, and read the recipes; raises CatalogError, or SetupError where it was never set up."""
    images = settings.images or shipped("images")
    return ThisMachine(look(), open_shelf(images, settings.cache, own_wheel()), images)


def free_gpus(instance: Instance[ThisMachine], hardware: Hardware) -> tuple[str, ...]:
    """The devices that a session of ``hardware`` gets; raises SomahubError with why when it cannot start now."""
    running = instance.ledger.open_sessions()
    verdict = instance.tier.verdict(hardware, instance.holdings(running))
    if isinstance(verdict, Refused):
        raise SomahubError(verdict.why, mend="stop another session, or choose other hardware")
    held = {gpu for fact in running for gpu in dict(fact.detail).get("gpus", "").split(",")}
    return tuple(gpu for gpu in instance.tier.machine.gpus if gpu not in held)[: hardware.gpus]


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
