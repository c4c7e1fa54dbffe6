"""Sessions beside the life of the hub: it may be killed, changed and started anew, and they run on; down ends them."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from somahub.local import processes
from somahub.spawners.sandbox import records
from somahub.spawners.sandbox.records import Run, State
from tests.local import looks
from tests.somahub_under_test import Somahub

# Seconds; a first session waits for its environment to be built.
BUILD = 900
# Seconds for a hub that was killed to know its sessions again.
BACK = 30


@pytest.fixture
def anna(one: Somahub, instance_folder: Path) -> State:
    """Anna's running session."""
    profiles = instance_folder / "profiles-of-sessions"
    if not profiles.exists():
        one.extra["SOMAHUB_PROFILES"] = str(looks.copy_of_profiles(profiles))
    one.up()
    name, _ = one.person("anna")
    if not looks.ready(one, name):
        looks.start_session(one, name)
        assert processes.wait_until(lambda: looks.ready(one, name), BUILD, 0.2)
    run = Run(looks.layout(one).run)
    [state] = [state for each in run.sessions() if (state := records.read_state(run.session(each)))]
    return state


def lives(state: State) -> bool:
    """Whether the very processes of a session run."""
    return all(process and process.alive for process in (state.holder, state.bwrap, state.init, state.pasta))


def test_a_killed_hub_finds_its_sessions_again(one: Somahub, anna: State) -> None:
    looks.service(one, "hub").send(signal.SIGKILL)
    assert processes.wait_until(lambda: not looks.answers(one), 5)
    assert processes.wait_until(lambda: looks.ready(one, "anna"), BACK, 0.1)
    assert lives(anna)


def test_a_killed_supervisor_takes_no_session_with_it(one: Somahub, anna: State) -> None:
    process = looks.supervisor(one).process
    assert process
    process.send(signal.SIGKILL)
    one.up()
    assert processes.wait_until(lambda: looks.ready(one, "anna"), BACK, 0.1)
    assert lives(anna)


def test_a_hub_that_is_started_anew_for_a_change_leaves_sessions_alone(one: Somahub, anna: State) -> None:
    hub = looks.service(one, "hub")
    document = Path(one.extra["SOMAHUB_PROFILES"]) / "napari.yaml"
    document.write_text(re.sub(r"(?m)^title: .*$", "title: Another name", document.read_text()))
    one.up()
    assert looks.service(one, "hub") != hub
    assert processes.wait_until(lambda: looks.ready(one, "anna"), BACK, 0.1)
    assert lives(anna)


def test_down_ends_sessions_and_the_hub_knows_it_when_it_is_back(one: Somahub, anna: State) -> None:
    said = one.down()
    assert "stopped 1 session," in said
    assert not any(process and process.alive for process in (anna.holder, anna.bwrap, anna.init, anna.pasta))
    assert looks.left_running(one) == []
    assert [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(one.data) in line] == []
    one.up()
    assert one.ask("GET", "/users/anna").json()["servers"] == {}


def test_down_ends_a_session_whose_holder_was_killed(one: Somahub, anna: State) -> None:
    anna.holder.send(signal.SIGKILL)
    one.down()
    assert not any(process and process.alive for process in (anna.bwrap, anna.init, anna.pasta))
    assert looks.left_running(one) == []
