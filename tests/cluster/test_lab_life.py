"""A lab comes up whatever was left, survives what is killed in it, and leaves nothing on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from somahub.errors import SetupError
from somahub.local.processes import naming, words
from somahub.spawners.sandbox.processes import Process, children, find
from tests.cluster.lab import Lab, house, life, node, places, state
from tests.cluster.lab.places import Places
from tests.cluster.pods import namespace, pod, ready, soon

SPACE = "life"
# Of others that use this machine at the same time: containers that podman builds in.
OTHERS = ("libpod", "buildah", "containers", "crun", "podman")


@pytest.fixture(scope="module")
def place(own_lab: Lab) -> Iterator[Places]:
    """Where a second lab lies, beside the one that other tests use; it shares what was built."""
    there = places.from_environment(own_lab.places.number + 1)
    life.down(there, images=True)
    yield there
    life.down(there, images=True)


@pytest.fixture
def second(place: Places) -> Lab:
    """The second lab, up."""
    return life.up(place)


def machine() -> dict[str, set[str]]:
    """What of this machine a cluster touches."""
    said = {
        "interfaces": _lines("ip", "-o", "link", "show"),
        "routes": _lines("ip", "route", "show", "table", "all"),
        "rules": _lines("nft", "list", "tables"),
        "mounts": set(Path("/proc/self/mountinfo").read_text().splitlines()),
        "networks": _names("/run/netns"),
        "run": _names("/run"),
        "cgroups": {f"{top.parent}/{name}" for top in house.cgroups(Places(Path("/"))) for name in _names(top.parent)},
        "kernel": {f"{name} {Path('/proc/sys', name).read_text()}" for name in _settings()},
        "root": {f"{top}/{name}" for top in ("/", "/opt", "/var/lib", "/var/log", "/etc") for name in _names(top)},
    }
    return {what: {each for each in all_ if not any(one in each for one in OTHERS)} for what, all_ in said.items()}


def _settings() -> list[str]:
    every = [*node.KERNEL, "net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/netfilter/nf_conntrack_max"]
    return [name for name in every if Path("/proc/sys", name).exists()]


def _lines(*command: str) -> set[str]:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split(": ")[1] if command[:2] == ("ip", "-o") else line for line in said.splitlines()}


def _names(folder: str | Path) -> set[str]:
    return {each.name for each in Path(folder).iterdir()} if Path(folder).is_dir() else set()


def parts(lab: Lab) -> dict[str, int]:
    """The number of each process that the lab's first one started, by its name."""
    init = state.read(lab.places).init
    return {Path(words(pid)[0]).name: pid for pid in children(init.pid) if words(pid)} if init else {}


def a_pod_runs(lab: Lab, name: str) -> None:
    lab.apply(namespace(SPACE), pod(name, SPACE))
    ready(lab, SPACE, name)


def test_down_leaves_nothing_on_the_machine(place: Places) -> None:
    life.down(place)
    before = machine()
    lab = life.up(place)
    a_pod_runs(lab, "one")
    ours = {process.pid for process in house.inhabitants(place)}
    assert len(ours) > 9
    during = machine()
    # The wire and the cgroups are all that is seen of it from outside.
    assert {what for what in before if during[what] != before[what]} <= {"interfaces", "routes", "cgroups"}
    life.down(place)
    assert machine() == before
    assert not house.remains(place)
    assert not [process for process in naming(place.home) if process.pid != os.getpid()]
    assert not any(find(pid) for pid in ours)
    assert not place.run.exists()


def test_up_twice_is_up_once(second: Lab) -> None:
    there = state.read(second.places)
    a_pod_runs(second, "kept")
    life.up(second.places)
    assert state.read(second.places) == there
    ready(second, SPACE, "kept")


@pytest.mark.parametrize("name", ["kubelet", "containerd", "kube-apiserver", "etcd", "kube-proxy", "lab-policy"])
def test_a_part_that_is_killed_is_back_and_pods_go_on(second: Lab, name: str) -> None:
    a_pod_runs(second, "stays")
    began = second.get("-n", SPACE, "pod", "stays")["status"]["containerStatuses"][0]["containerID"]
    killed = parts(second)[name]
    os.kill(killed, signal.SIGKILL)
    assert soon(lambda: parts(second).get(name, killed) != killed)
    life.up(second.places)
    a_pod_runs(second, f"after-{name}")
    now = second.get("-n", SPACE, "pod", "stays")["status"]["containerStatuses"][0]
    assert (now["containerID"], now["restartCount"]) == (began, 0)


@pytest.mark.parametrize("which", ["holder", "init", "all"])
def test_a_lab_that_is_killed_whole_comes_up_anew(second: Lab, which: str) -> None:
    a_pod_runs(second, "lost")
    there = state.read(second.places)
    every = house.inhabitants(second.places) if which == "all" else [getattr(there, which)]
    kill(every)
    assert soon(lambda: not life.running(second.places))
    again = life.up(second.places)
    assert again.kubectl("get", "namespace", SPACE, "--ignore-not-found") == ""
    a_pod_runs(again, "found")


def test_down_after_a_kill_leaves_nothing(second: Lab) -> None:
    a_pod_runs(second, "lost")
    kill(house.inhabitants(second.places)[:5])
    life.down(second.places)
    assert not house.remains(second.places)
    life.down(second.places)  # a second time is no fault


def test_of_two_who_start_it_at_once_one_waits_and_both_have_it(place: Places) -> None:
    life.down(place)
    with ThreadPoolExecutor(2) as both:
        one, other = both.map(life.up, [place, place])
    assert one.kubeconfig == other.kubeconfig
    assert [each["metadata"]["name"] for each in other.get("nodes")["items"]] == ["node1"]


def test_an_image_outlives_down(second: Lab) -> None:
    (reference,) = second.load(second.tools.images / "probe.tar")
    life.down(second.places)
    again = life.up(second.places)
    again.apply(namespace(SPACE), pod("by-digest", SPACE, image=reference))
    ready(again, SPACE, "by-digest")


def test_a_lab_of_another_cache_is_not_taken_for_ours(second: Lab, tmp_path: Path) -> None:
    other = Places(tmp_path, second.places.number)
    other.home.mkdir()
    with pytest.raises(SetupError, match=f"runs already, from {second.places.root.parent}"):
        life.down(other)
    assert life.running(second.places)


def test_a_plain_user_is_told_in_one_line(second: Lab) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(SetupError, match="needs root"):
            places.from_environment()
    finally:
        os.seteuid(0)


def kill(every: list[Process]) -> None:
    """Without notice."""
    for process in every:
        process.send(signal.SIGKILL)
