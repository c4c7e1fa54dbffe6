"""The NVIDIA GPUs of this machine, as its driver tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from somahub.errors import SandboxError
from somahub.spawners.sandbox.argv import Gpu

DRIVER = Path("/proc/driver/nvidia/gpus")


def gpus(driver: Path = DRIVER) -> tuple[Gpu, ...]:
    """All GPUs in the order of their places on the bus, which is the order of NVML's indices."""
    return tuple(_gpu((folder / "information").read_text()) for folder in sorted(driver.glob("*")))


def granted(indices: Sequence[str], driver: Path = DRIVER) -> tuple[Gpu, ...]:
    """The GPUs of those NVML indices; raises SandboxError when one is gone."""
    there = gpus(driver) if indices else ()
    try:
        return tuple(there[int(index)] for index in indices)
    except IndexError:
        raise SandboxError(
            f"GPU {', '.join(indices)} was granted, but the driver shows {len(there)}", mend="run `nvidia-smi`"
        ) from None


def _gpu(information: str) -> Gpu:
    lines = (line.partition(":") for line in information.splitlines())
    said = {key.strip(): value.strip() for key, _, value in lines}
    return Gpu(int(said["Device Minor"]), said["GPU UUID"])
