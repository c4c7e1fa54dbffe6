"""Whether a machine can start a session now, and if not, why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from somahub.model import Hardware, Holding, Machine, Refused, Startable, Verdict

GIB = 1 << 30
# What the hub, the proxy and the system keep for themselves, in bytes.
RESERVE = 1 * GIB


def verdict(hardware: Hardware, machine: Machine, holdings: Sequence[Holding]) -> Verdict:
    """Say whether ``hardware`` is to be had now, beside what running sessions hold.

    Processor cores are shared, so they are refused only where the machine has fewer; memory and GPUs are not.
    """
    if hardware.gpus > len(machine.gpus):
        return Refused(_too_few_gpus(hardware.gpus, len(machine.gpus)))
    if hardware.cpus > machine.cpus:
        return Refused(f"Needs {hardware.cpus:g} CPU cores; this machine has {machine.cpus}.")
    if hardware.memory > machine.memory - RESERVE:
        return Refused(
            f"Needs {_gib(hardware.memory)} of memory; this machine can give {_gib(machine.memory - RESERVE)}."
        )
    free_gpus = len(machine.gpus) - sum(holding.hardware.gpus for holding in holdings)
    if hardware.gpus > free_gpus:
        return Refused(f"No GPU is free: {who(holdings, 'gpus')}.")
    free = machine.memory - RESERVE - sum(holding.hardware.memory for holding in holdings)
    if hardware.memory > free:
        left = _gib(max(free, 0))
        return Refused(f"Needs {_gib(hardware.memory)} of memory; {left} is free: {who(holdings, 'memory')}.")
    return Startable()


def _too_few_gpus(needed: int, there: int) -> str:
    if there == 0:
        return "Needs a GPU; this machine has none that somahub can see."
    return f"Needs {needed} GPUs; this machine has {there}."


def who(holdings: Sequence[Holding], what: str) -> str:
    """Who holds how much of it since when, the longest first, as one line."""
    holders = sorted((h for h in holdings if getattr(h.hardware, what)), key=lambda holding: holding.since)
    words = [f"{h.person} holds {_amount(h.hardware, what)} since {h.since:%H:%M} UTC" for h in holders[:3]]
    if len(holders) > 3:
        words.append(f"{len(holders) - 3} more")
    return ", ".join(words)


def _amount(hardware: Hardware, what: str) -> str:
    if what == "memory":
        return _gib(hardware.memory)
    return "1 GPU" if hardware.gpus == 1 else f"{hardware.gpus} GPUs"


def _gib(memory: int) -> str:
    return f"{memory / GIB:.3g} GiB"
