"""The set-up from nothing: what is half-made is never used, and the next try goes on."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path

from somahub.local import processes
from somahub.local.bootstrap import wrapper
from somahub.local.layout import Layout
from tests.local import looks
from tests.somahub_under_test import BOOT, Somahub


def test_a_set_up_killed_in_the_middle_leaves_nothing_half_made_in_use_and_the_next_one_goes_on(
    alone: Somahub, instance_folder: Path
) -> None:
    cache = instance_folder / "cache"
    alone.extra["SOMAHUB_CACHE"] = str(cache)
    environment = alone.environment
    with subprocess.Popen([*BOOT, "up"], env=environment, start_new_session=True, stdout=subprocess.PIPE) as first:
        assert processes.wait_until(lambda: any(cache.glob("hub/base-*.partial/lib")), 300)
        os.killpg(first.pid, signal.SIGKILL)
    assert not (cache / "hub/current").exists()
    assert not [folder for folder in cache.glob("hub/base-*") if folder.suffix != ".partial"]
    assert processes.wait_until(lambda: not processes.naming(cache), 10)
    alone.up()
    assert looks.answers(alone)
    assert not list(cache.glob("hub/*.partial"))


def test_the_command_for_root_runs_as_the_hubs_user_with_the_settings_of_the_last_start(tmp_path: Path) -> None:
    place = Layout(tmp_path / "data", tmp_path / "a cache")
    python = place.venv / "bin/python"
    python.parent.mkdir(parents=True)
    place.data.mkdir()
    python.write_text('#!/bin/sh\necho "$(id -un)|$SOMAHUB_DATA|$SOMAHUB_PORT|$*"\n')
    me = pwd.getpwuid(os.getuid()).pw_name
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755)
    command = tmp_path / "somahub"
    said = {
        "SOMAHUB_DATA": str(place.data),
        "SOMAHUB_CACHE": str(place.cache),
        "SOMAHUB_PORT": "$(id) `id` \"9\" '9' \\",
    }
    command.write_text(wrapper(said, me))
    environment = {"PATH": os.environ["PATH"], "SOMAHUB_DATA": "/other"}
    words = ["sh", str(command), "user", "add", "two words"]
    usual = subprocess.run(words, env={"PATH": environment["PATH"]}, capture_output=True, text=True, check=True)
    assert usual.stdout.strip() == f"{me}|{place.data}|{said['SOMAHUB_PORT']}|-m somahub.cli user add two words"
    other = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert "|/other|" in other.stdout


def test_an_unknown_command_says_those_that_there_are(alone: Somahub) -> None:
    said = alone.boot("upp")
    assert said.returncode == 2
    assert "say one of: up, down, doctor" in said.stderr
