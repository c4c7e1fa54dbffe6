"""A card says truly whether its session can start now, and if not, why."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from somahub.availability import GIB, RESERVE, verdict
from somahub.model import Hardware, Holding, Machine, Refused, Startable

SMALL = Hardware("small", "Small", cpus=2, memory=4 * GIB)
GPU = Hardware("gpu", "GPU", cpus=2, memory=8 * GIB, gpus=1)
DESK = Machine(cpus=8, memory=33 * GIB, gpus=("0",))


def holding(hardware, person="anna", hour=10):
    return Holding(f"{person}-x", person, hardware, datetime(2026, 11, 2, hour, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hardware", "machine", "holdings", "why"),
    [
        (SMALL, DESK, [], None),
        (GPU, DESK, [], None),
        (GPU, DESK, [holding(SMALL)] * 6, None),
        (SMALL, DESK, [holding(SMALL)] * 7, None),
        (SMALL, Machine(1, 33 * GIB, ()), [], "Needs 2 CPU cores; this machine has 1."),
        (SMALL, Machine(2, 4 * GIB, ()), [], "Needs 4 GiB of memory; this machine can give 3 GiB."),
        (GPU, Machine(8, 33 * GIB, ()), [], "Needs a GPU; this machine has none that somahub can see."),
        (Hardware("g2", "2 GPUs", 2, GIB, 2), DESK, [], "Needs 2 GPUs; this machine has 1."),
        (GPU, DESK, [holding(GPU)], "No GPU is free: anna holds 1 GPU since 10:02 UTC."),
        (
            SMALL,
            DESK,
            [holding(Hardware("big", "Big", 2, 30 * GIB), "ben", 9)],
            "Needs 4 GiB of memory; 2 GiB is free: ben holds 30 GiB since 09:02 UTC.",
        ),
    ],
)
def test_verdict(hardware, machine, holdings, why):
    assert verdict(hardware, machine, holdings) == (Startable() if why is None else Refused(why))


hardwares = st.builds(
    Hardware,
    st.just("h"),
    st.just("H"),
    st.floats(0.5, 16),
    st.integers(1, 64).map(lambda n: n * GIB),
    st.integers(0, 2),
)
machines = st.builds(
    Machine, st.integers(1, 32), st.integers(1, 128).map(lambda n: n * GIB), st.sampled_from([(), ("0",), ("0", "1")])
)


@given(machines, st.lists(hardwares, max_size=12))
def test_what_is_started_one_by_one_never_takes_more_than_there_is(machine, wishes):
    held = []
    for wish in wishes:
        if verdict(wish, machine, held) == Startable():
            held.append(holding(wish))
    assert sum(h.hardware.gpus for h in held) <= len(machine.gpus)
    assert sum(h.hardware.memory for h in held) <= max(machine.memory - RESERVE, 0)
