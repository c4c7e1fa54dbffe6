"""One machine's life: up, up again, killed, changed, down, and up as it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from somahub.local import processes
from tests.local import looks
from tests.somahub_under_test import BOOT, Somahub


def test_up_says_where_it_answers_with_which_password_and_where_the_data_lies(alone: Somahub) -> None:
    said = alone.up()
    assert alone.url in said
    assert str(alone.data) in said
    assert looks.answers(alone)
    assert looks.log_in(alone, "admin", alone.admin_password)


def test_a_second_up_is_quick_changes_nothing_and_shows_no_password(running: Somahub) -> None:
    before = looks.service(running, "hub"), looks.service(running, "proxy")
    began = time.monotonic()
    said = running.up()
    assert time.monotonic() - began < 3
    assert "already up" in said
    assert running.url in said
    assert "password" not in said
    assert (looks.service(running, "hub"), looks.service(running, "proxy")) == before


def test_two_ups_at_once_make_one_somahub(alone: Somahub) -> None:
    with ThreadPoolExecutor() as both:
        said = list(both.map(lambda _: alone.boot("up"), range(2)))
    assert [one.returncode for one in said] == [0, 0], said
    assert sum("password" in one.stdout for one in said) == 1
    assert len([words for words in looks.left_running(alone) if "supervisor.supervisord" in words]) == 1


def test_a_hub_killed_with_9_is_back_by_itself_and_the_proxy_runs_on(running: Somahub) -> None:
    hub, proxy = looks.service(running, "hub"), looks.service(running, "proxy")
    hub.send(signal.SIGKILL)
    assert processes.wait_until(lambda: not hub.alive, 2)
    assert looks.seconds_until_it_answers(running, 30) < 10
    assert looks.service(running, "hub") != hub
    assert looks.service(running, "proxy") == proxy


def test_a_supervisor_killed_with_9_leaves_no_orphan_on_a_port_and_up_mends_it(running: Somahub) -> None:
    services = looks.service(running, "hub"), looks.service(running, "proxy")
    process = looks.supervisor(running).process
    assert process
    process.send(signal.SIGKILL)
    # Well below what the hub takes to answer: nothing started them anew.
    assert processes.wait_until(lambda: not any(one.alive for one in services), 2)
    assert processes.wait_until(lambda: looks.all_ports_free(running), 2)
    running.up()
    assert looks.log_in(running, "admin", running.admin_password)


def test_a_changed_profile_restarts_the_hub_and_nothing_else(alone: Somahub, instance_folder: Path) -> None:
    profiles = looks.copy_of_profiles(instance_folder / "changed-profiles")
    alone.extra["SOMAHUB_PROFILES"] = str(profiles)
    alone.up()
    hub, proxy = looks.service(alone, "hub"), looks.service(alone, "proxy")
    document = profiles / "napari.yaml"
    document.write_text(re.sub(r"(?m)^title: .*$", "title: Another name", document.read_text()))
    said = alone.up()
    assert "already up" not in said
    assert looks.service(alone, "hub") != hub
    assert looks.service(alone, "proxy") == proxy


def test_down_leaves_nothing_running_and_up_finds_everything_as_it_was(running: Somahub) -> None:
    name, password = running.person("anna")
    said = running.down()
    assert "nothing is left running" in said
    assert looks.left_running(running) == []
    assert looks.all_ports_free(running)
    assert [path.name for path in looks.layout(running).run.rglob("*") if path.is_socket()] == []
    assert "password" not in running.up()
    assert looks.log_in(running, name, password)
    assert looks.log_in(running, "admin", running.admin_password)


def test_down_ends_nobody_who_only_speaks_of_its_folder(running: Somahub) -> None:
    words = f"echo {running.data}/run/; sleep 600; echo {running.data}/run/"
    with subprocess.Popen(["sh", "-c", words], stdout=subprocess.PIPE, start_new_session=True) as stranger:
        running.down()
        assert stranger.poll() is None
        os.killpg(stranger.pid, signal.SIGKILL)


def test_down_twice_is_no_fault(running: Somahub) -> None:
    running.down()
    assert "was not running" in running.down()


def test_a_stale_record_never_ends_a_process_that_only_has_its_number(alone: Somahub) -> None:
    alone.up()
    alone.down()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        record = {"supervisor": {"pid": stranger.pid, "start": "another start"}, "services": {}}
        looks.put_record(alone, record)
        (looks.layout(alone).control).touch()
        alone.up()
        assert looks.answers(alone)
        alone.down()
        assert stranger.poll() is None
        stranger.kill()


def test_a_running_somahub_keeps_its_ports_and_says_how_to_move_it(running: Somahub) -> None:
    hub = looks.service(running, "hub")
    moved = Somahub(running.data, running.port + 1, running.hub_port, running.proxy_port)
    said = moved.boot("up")
    assert said.returncode == 1
    assert f"already runs with SOMAHUB_PORT={running.port}" in said.stderr
    assert "make down" in said.stderr
    unsaid = {name: value for name, value in running.environment.items() if not name.endswith("PORT")}
    again = subprocess.run([*BOOT, "up"], env=unsaid, capture_output=True, text=True, check=True)
    assert f"already up\n\n  open    {running.url}" in again.stdout
    assert looks.service(running, "hub") == hub


def test_a_hub_that_hangs_is_started_anew_by_up(running: Somahub) -> None:
    hub = looks.service(running, "hub")
    hub.send(signal.SIGSTOP)
    running.up()
    assert looks.answers(running)
    assert not hub.alive
