"""The same plan is always the same commands, and no word of them is more than it must be."""

# ruff: noqa: S108 - the /tmp meant here is a sandbox's own

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from somahub.errors import SandboxError
from somahub.model import App, Folder, Hardware, Person, SessionPlan
from somahub.spawners.sandbox.argv import Gpu, HostPaths, argv
from somahub.spawners.sandbox.gpus import gpus, granted
from somahub.spawners.sandbox.limits import Weight, choose_cores, choose_victim
from somahub.spawners.sandbox.network import closed, orders

PLAN = SessionPlan(
    session="ada-dlc-20250101t090000000",
    person=Person("ada", "ada"),
    server="",
    profile="dlc@0123456789ab",
    app=App("dlc", "0123456789ab"),
    hardware=Hardware("large", "Large", 4, 8 << 30),
    opens="desktop",
    folders=(Folder("own-ada", "mine", "write"),),
    environment=(("SOMAHUB_APP", "dlc"),),
    command=("/opt/somahub/session/bin/somahub-session",),
)
HOST = HostPaths(
    home="/data/homes/ada",
    folders="/data/run/folders/s",
    files="/data/run/sessions/s/etc",
    session_environment="/cache/environments/session-1",
    app_environment="/cache/environments/dlc-1",
    port=40000,
    host_ports=(8081,),
)
RENDERED = argv(PLAN, HOST)


@pytest.mark.parametrize(
    "words",
    [
        ("--ro-bind", "/usr", "/usr"),
        ("--ro-bind", "/cache/environments/session-1", "/opt/somahub/session"),
        ("--ro-bind", "/cache/environments/dlc-1", "/opt/somahub/apps/dlc"),
        ("--bind", "/data/homes/ada", "/home/user"),
        ("--bind", "/data/run/folders/s", "/home/user/buckets"),
        ("--size", str(4 << 30), "--tmpfs", "/dev/shm"),
        ("--size", str(2 << 30), "--tmpfs", "/tmp"),
        ("--perms", "0700", "--dir", "/run/user/1000"),
        ("--perms", "1777", "--dir", "/tmp/.X11-unix"),
        ("--hostname", "desk"),
        ("--uid", "1000", "--gid", "1000"),
        ("--cap-drop", "ALL"),
        ("--remount-ro", "/"),
        ("--remount-ro", "/dev"),
    ],
    ids=" ".join,
)
def test_a_sandbox_is_made_of_these(words: tuple[str, ...]) -> None:
    """The environments and the system are read-only, the home is not, memory folders have a size."""
    assert _follow(RENDERED.bwrap, words)


@pytest.mark.parametrize(
    "word",
    [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--new-session", "--disable-userns", "--die-with-parent"),
    ],
)
def test_a_sandbox_has_everything_of_its_own(word: str) -> None:
    """Each namespace but the network, which the holder makes, is made by bubblewrap."""
    assert word in RENDERED.bwrap


def test_only_three_folders_can_be_written() -> None:
    """Nothing of the host is bound writable but the home and the place of the buckets, read-only in itself."""
    writable = [target for word, target in pairwise(RENDERED.bwrap) if word in ("--bind", "--dev-bind", "--bind-try")]
    assert writable == ["/data/homes/ada", "/data/run/folders/s"]


def test_the_hosts_etc_is_not_there_as_a_whole() -> None:
    """Of /etc only named files come along, and accounts, names and the resolver are the sandbox's own."""
    bound = [target for target in RENDERED.bwrap if target.startswith("/etc")]
    assert "/etc" not in bound
    assert not {"/etc/shadow", "/etc/ssl", "/etc/ssh", "/etc/profile", "/etc/environment"} & set(bound)
    files = dict(RENDERED.files)
    assert files["resolv.conf"] == "nameserver 198.18.0.53\n"
    assert "127.0.1.1 desk\n" in files["hosts"]
    assert files["passwd"].splitlines()[1] == "user:x:1000:1000::/home/user:/bin/bash"
    assert all(_follow(RENDERED.bwrap, ("--ro-bind", f"{HOST.files}/{name}", f"/etc/{name}")) for name in files)


def test_every_session_has_an_identity_of_its_own() -> None:
    """/etc/machine-id is neither the host's nor another session's, and 32 digits as programs expect."""
    mine, other = (dict(argv(plan, HOST).files)["machine-id"] for plan in (PLAN, replace(PLAN, session="other")))
    assert mine != other
    assert len(mine.strip()) == 32


def test_the_resolver_completes_names_as_the_host_does() -> None:
    """The search list of a lab's network works in a session."""
    host = replace(HOST, resolver_options=("search lab.example",))
    assert dict(argv(PLAN, host).files)["resolv.conf"] == "nameserver 198.18.0.53\nsearch lab.example\n"


def test_one_port_in_and_the_named_ones_out() -> None:
    """pasta opens the session's port on the loopback alone, and the named ports of the host's loopback."""
    pasta = argv(PLAN, replace(HOST, host_ports=(9000, 8081, 8081), pasta_options=("--more",))).pasta
    assert _follow(pasta, ("-t", "127.0.0.1/40000", "-u", "none", "-T", "8081,9000", "-U", "none"))
    assert {"-4", "--no-map-gw", "--more"} <= set(pasta)
    assert _follow(argv(PLAN, replace(HOST, host_ports=())).pasta, ("-T", "none"))


def test_the_command_runs_with_a_limit_of_processes() -> None:
    """A fork bomb ends at 4096, and a crash writes no memory into the home."""
    assert RENDERED.command == ("prlimit", "--nproc=4096:4096", "--core=0:0", "--", *PLAN.command)


def test_the_app_comes_first_on_the_path() -> None:
    """The app's programs and Python are found before the session's and the system's."""
    environment = dict(RENDERED.environment)
    assert environment["PATH"] == "/opt/somahub/apps/dlc/bin:/opt/somahub/session/bin:/usr/local/bin:/usr/bin:/bin"
    assert environment["HOME"] == "/home/user"
    assert environment["SOMAHUB_APP"] == "dlc"
    assert environment["XDG_RUNTIME_DIR"] == "/run/user/1000"


def test_no_gpu_means_none_is_seen() -> None:
    """Without a GPU in its hardware a session has no device of one, and CUDA is told so."""
    assert not any("nvidia" in word for word in RENDERED.bwrap)
    assert dict(RENDERED.environment)["CUDA_VISIBLE_DEVICES"] == ""


def test_a_session_gets_its_own_gpus_alone() -> None:
    """Only the granted devices are there, named to CUDA by UUID, because it counts those that it can open."""
    rendered = argv(PLAN, replace(HOST, gpus=(Gpu(1, "GPU-b"), Gpu(3, "GPU-d"))))
    devices = {word for word in rendered.bwrap if word.startswith("/dev/nvidia")}
    shared = {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"}
    assert devices == {"/dev/nvidia1", "/dev/nvidia3", *shared}
    assert dict(rendered.environment)["CUDA_VISIBLE_DEVICES"] == "GPU-b,GPU-d"


def test_gpus_are_read_from_their_driver(tmp_path: Path) -> None:
    """NVML's index, the device's number and the UUID of each GPU are told apart."""
    for place, minor, uuid in (("0000:c1:00.0", 0, "GPU-second"), ("0000:01:00.0", 1, "GPU-first")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "information").write_text(f"Model: \t X\nGPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n")
    assert gpus(tmp_path) == (Gpu(1, "GPU-first"), Gpu(0, "GPU-second"))
    assert granted(("1",), tmp_path) == (Gpu(0, "GPU-second"),)
    assert granted((), tmp_path / "absent") == ()
    with pytest.raises(SandboxError, match="GPU 2 was granted, but the driver shows 2"):
        granted(("2",), tmp_path)


@pytest.mark.parametrize(
    ("weights", "scratch", "victim"),
    [
        ([Weight(2, "server", 50, vital=True), Weight(3, "train", 40)], 10, None),
        ([Weight(2, "server", 50, vital=True), Weight(3, "train", 40)], 11, 3),
        ([Weight(3, "train", 40), Weight(4, "label", 61)], 0, 4),
        ([Weight(2, "server", 200, vital=True), Weight(3, "train", 1)], 0, 3),
        ([Weight(2, "server", 200, vital=True)], 0, 2),
        ([], 200, None),
    ],
)
def test_the_largest_program_is_ended_when_memory_runs_out(
    weights: list[Weight], scratch: int, victim: int | None
) -> None:
    """Never while the session keeps to its 100, the largest first, what carries the session last."""
    chosen = choose_victim(weights, scratch, 100)
    assert (chosen.pid if chosen else None) == victim


@pytest.mark.parametrize(
    ("cpus", "taken", "cores"),
    [
        (1, [], (0,)),
        (0.5, [], (0,)),
        (1, [(0,)], (1,)),
        (2.5, [(0, 1)], (0, 2, 3)),
        (2, [(0, 1), (0, 2)], (1, 3)),
        (16, [], (0, 1, 2, 3)),
    ],
)
def test_sessions_are_spread_over_the_cores(cpus: float, taken: list[tuple[int, ...]], cores: tuple[int, ...]) -> None:
    """A session runs on its number of cores, rounded up, on those that the fewest others run on."""
    assert choose_cores(range(4), cpus, taken) == cores


def test_the_hosts_addresses_are_closed_and_loopback_is_not() -> None:
    """Each address of the host and each cloud's metadata is closed; loopback is the sandbox's own."""
    assert closed(["127.0.0.0/8", "127.0.0.1", "192.168.1.5", "172.17.0.1"]) == {
        *("192.168.1.5", "172.17.0.1"),
        *("169.254.0.0/16", "168.63.129.16", "100.100.100.200"),
    }


def test_what_is_closed_follows_the_hosts_addresses() -> None:
    """New addresses are closed before gone ones are opened."""
    assert orders(frozenset({"10.0.0.1", "10.0.0.2"}), frozenset({"10.0.0.2", "10.0.0.3"})) == (
        "route replace blackhole 10.0.0.2\nroute replace blackhole 10.0.0.3\nroute del blackhole 10.0.0.1\n"
    )


def _follow(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words)))
