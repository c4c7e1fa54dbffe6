"""Two people reach nothing of each other, of the hub, or of the host: each class of attempt, from inside a session."""

# ruff: noqa: S108 - the /tmp meant here is a sandbox's own

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sandbox.house import Desk, House, eventually

CONNECT = """
import socket, sys
family, kind, address = sys.argv[1:4]
one = socket.socket(getattr(socket, family), socket.SOCK_STREAM); one.settimeout(3)
host, _, port = address.rpartition(":")
one.connect({"path": address, "abstract": "\\0" + address, "port": (host, int(port) if port.isdigit() else 0)}[kind])
print("REACHED")
"""
DISPLAY = """
import socket, sys, time
one = socket.socket(socket.AF_UNIX); one.bind(sys.argv[1]); one.listen(); time.sleep(1000)
"""
SYSCALL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(*map(int, sys.argv[1:])), os.strerror(ctypes.get_errno()))
"""


@pytest.fixture(scope="module", autouse=True)
def _things_of_value(house: House) -> None:
    """What an attacker would want, where the hub has it."""
    house.do(_hide_treasure, house.data)


def _hide_treasure(data: Path) -> None:
    for name in ("somahub.sqlite", "hub.sqlite", "secrets/cookie", "buckets/own-bob/mine.txt", "homes/bob/private.txt"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("TREASURE")


# -- files ---------------------------------------------------------------------------------------------------------


def test_no_file_of_anybody_else_is_there(house: House, ada: Desk, bob: Desk) -> None:
    """Others' homes and buckets, the hub's state and its secrets are in no folder of a session."""
    _, said = ada.run("grep -rlsI --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr TREASURE / ; true")
    assert said == ""
    assert ada.run(f"ls {house.data}")[0] != 0
    assert bob.run("cat ~/private.txt ~/buckets/mine/mine.txt") == (0, "TREASURETREASURE")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/root",
        "/etc/ssh",
        "/etc/machine-id",
        "/var/lib",
        "/var/log",
        "/boot",
        "/mnt",
        "/srv",
        "/etc/sudoers",
    ],
)
def test_no_file_of_the_host_that_says_what_it_is(path: str, ada: Desk) -> None:
    """The host's accounts, keys, logs and identity are not in a session."""
    host = Path(path)
    code, said = ada.run(f"cat {path} 2>&1 || ls -A {path}")
    assert code != 0 or (host.is_file() and said != host.read_text())


def test_only_home_and_memory_can_be_written(ada: Desk) -> None:
    """Of all places of a session only its home, its bucket and its folders in memory take a file."""
    _, said = ada.run(
        "find / -xdev -path /proc -prune -o -type d -writable -print 2>/dev/null; "
        "for place in $(cut -d' ' -f5 /proc/self/mountinfo); do "
        "test -d $place && touch $place/.try 2>/dev/null && echo WROTE $place; done"
    )
    wrote = {line.split()[1] for line in said.splitlines() if line.startswith("WROTE")}
    assert wrote == {"/home/user", "/home/user/buckets/mine", "/tmp", "/dev/shm", "/run"}


@pytest.mark.parametrize("place", ["/opt/somahub/session", "/opt/somahub/apps/notebook", "/usr", "/usr/local", "/etc"])
@pytest.mark.parametrize(
    "how", ["touch {}/x", "mount -o remount,rw {}", "unshare -Urm mount -o remount,rw,bind {}", "chmod 777 {}"]
)
def test_what_is_read_only_stays_so(place: str, how: str, ada: Desk) -> None:
    """The environments and the system cannot be changed, nor mounted anew, nor from within a namespace of one's own."""
    code, said = ada.run(how.format(place))
    assert code != 0, said
    assert ada.run(f"touch {place}/x")[0] != 0


def test_nobody_writes_into_the_place_of_the_buckets(ada: Desk) -> None:
    """A file beside the buckets would lie in no bucket: it is refused, so that nobody loses one."""
    code, said = ada.run("touch ~/buckets/lost")
    assert (code, "Read-only file system" in said) == (1, True)


def test_links_in_a_bucket_lead_nowhere_else(house: House, ada: Desk) -> None:
    """A link that a person makes leads to the same place for them as its path would: never out."""
    ada.run(f"ln -sfn / ~/buckets/mine/root; ln -sfn {house.data}/homes/bob ~/buckets/mine/bob")
    assert ada.run("cat ~/buckets/mine/bob/private.txt")[0] != 0
    assert ada.run("cat ~/buckets/mine/root/etc/shadow")[0] != 0
    assert ada.run("ln /etc/passwd ~/buckets/mine/hard")[0] != 0


def test_a_bucket_makes_no_one_root(house: House, ada: Desk) -> None:
    """Device nodes cannot be made; set-user-ID bits give nothing; nothing that one owns belongs to another."""
    assert ada.run("mknod ~/buckets/mine/disk b 254 0")[0] != 0
    assert ada.run("cp /usr/bin/id ~/buckets/mine/id && chmod 4755 ~/buckets/mine/id && ~/buckets/mine/id -u") == (
        0,
        "1000\n",
    )
    assert ada.run("chown 0 ~/buckets/mine/id")[0] != 0
    assert ada.run("find / -xdev -perm -4000 -type f -exec {} \\; 2>/dev/null | head; sudo -n id")[0] != 0
    flags = ada.run("findmnt -no OPTIONS -T ~/buckets/mine")[1]
    assert {"nosuid", "nodev"} <= set(flags.strip().split(","))


def test_what_a_session_mounts_the_host_does_not_see(ada: Desk) -> None:
    """A session can mount nothing, and nothing that it does is seen in the host's mounts."""
    before = Path("/proc/self/mountinfo").read_text()
    assert ada.run("mount -t tmpfs none /tmp")[0] != 0
    assert ada.run("unshare -Urm sh -c 'mount -t tmpfs none /mnt'")[0] != 0
    assert Path("/proc/self/mountinfo").read_text() == before


def test_no_descriptor_of_the_host_is_left_open(ada: Desk) -> None:
    """A session's first program has its three streams and nothing else open, so no folder of the host behind one."""
    _, said = ada.run("ls -l /proc/2/fd /proc/1/fd")
    targets = {line.split(" -> ")[1].split(":")[0] for line in said.splitlines() if " -> " in line}
    assert targets <= {"/dev/null", "pipe", "socket", "anon_inode"}
    assert ada.run("ls /proc/1/root/")[1] == ada.run("ls /")[1]


# -- processes -----------------------------------------------------------------------------------------------------


def test_only_ones_own_processes_are_seen(house: House, ada: Desk, bob: Desk) -> None:
    """/proc shows a session its own processes alone, and its words tell nothing of the host's folders."""
    _, said = ada.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "bob" not in said
    assert str(house.data) not in said
    assert int(ada.run("ls -d /proc/[0-9]* | wc -l")[1]) < 10


@pytest.mark.parametrize("how", ["kill -9 {}", "cat /proc/{}/environ", "ls /proc/{}/root/", "nsenter -t {} -U -m true"])
def test_no_process_of_anybody_else_can_be_touched(how: str, ada: Desk, bob: Desk) -> None:
    """Signals, /proc and namespaces end at one's own processes, by whatever number others have outside."""
    victims = [bob.state.init, bob.state.holder, bob.state.pasta]
    for victim in victims:
        assert victim
        assert ada.run(how.format(victim.pid))[0] != 0
        assert victim.alive


def test_kill_all_kills_ones_own(house: House, bob: Desk) -> None:
    """kill -9 -1 ends one's own session, and nobody else's."""
    desk = house.start("eve")
    with pytest.raises((OSError, ValueError, Exception)):
        desk.run("kill -9 -1")
    assert eventually(lambda: house.call("end", desk.name))
    house.call("forget", desk.name)
    assert bob.run("true") == (0, "")


def test_nobody_elses_process_can_be_traced(ada: Desk, bob: Desk) -> None:
    """A debugger finds no process of another session."""
    assert bob.state.init
    attach = "16"
    assert ada.python(SYSCALL, "101", attach, str(bob.state.init.pid), "0", "0")[1] == "-1 No such process\n"


@pytest.mark.parametrize(
    "call",
    [
        ("keyctl", "250", "0", "-3", "1"),
        ("add_key", "248", "0", "0", "0", "0", "-3"),
        ("bpf", "321", "0", "0", "0"),
        ("perf_event_open", "298", "0", "0", "-1", "-1", "0"),
        ("userfaultfd", "323", "0"),
        ("io_uring_setup", "425", "1", "0"),
        ("open_by_handle_at", "304", "0", "0", "0"),
        ("syslog", "103", "3", "0", "0"),
        ("TIOCSTI", "16", "0", str(0x5412), "0"),
    ],
    ids=lambda call: call[0],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_calls_that_no_session_needs_are_refused(call: tuple[str, ...], ada: Desk) -> None:
    """The kernel's keys, tracing and terminals typed into are closed, whatever the kernel of the host allows."""
    assert ada.python(SYSCALL, *call[1:])[1] == "-1 Operation not permitted\n"


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_ALG", "AF_PACKET", "AF_BLUETOOTH", "AF_CAN", "AF_TIPC"])
def test_kinds_of_sockets_that_no_namespace_holds_are_refused(family: str, ada: Desk) -> None:
    """A socket to the hypervisor, of a bus or of the kernel's own is not to be had."""
    said = ada.python(f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)")[1]
    assert "Address family not supported" in said


def test_namespaces_of_ones_own_are_refused(ada: Desk) -> None:
    """Nobody becomes root in a namespace of their own: most of the kernel's faults are behind that door."""
    assert ada.run("unshare -Ur true")[0] != 0
    assert ada.run("cat /proc/self/uid_map")[1].split() == ["1000", "0", "1"]
    _, said = ada.run("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status")
    values = dict(line.split(":\t") for line in said.splitlines())
    assert {values[cap] for cap in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0000000000000000"}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")


def test_no_terminal_of_the_holder(ada: Desk) -> None:
    """A session has a terminal group of its own and no controlling terminal."""
    _, said = ada.run("cat /proc/2/stat")
    fields = said.rpartition(")")[2].split()
    assert fields[4] == "0"  # tty_nr


# -- secrets -------------------------------------------------------------------------------------------------------


def test_nobody_elses_environment_is_seen(ada: Desk, bob: Desk) -> None:
    """A session has its own token in its environment, and nobody else's anywhere."""
    _, said = ada.run("cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -o 'secret-of-.*' | sort -u")
    assert said == "secret-of-ada\n"


def test_nothing_of_the_hubs_environment_comes_along(ada: Desk) -> None:
    """A session's environment is what it was given, not what the hub runs in."""
    _, said = ada.run("tr '\\0' '\\n' </proc/2/environ | cut -d= -f1 | sort")
    assert set(said.split()) == {
        *("CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "SOMAHUB_APP", "TOKEN", "USER"),
        *("SOMAHUB_SESSION", "XDG_RUNTIME_DIR"),
    }


# -- sockets and network -------------------------------------------------------------------------------------------


def test_unix_sockets_of_the_host_are_out_of_reach(house: House, ada: Desk, bob: Desk) -> None:
    """Neither the host's services nor others' displays are in a session, nor sockets whose name is no file."""
    with _listener("\0somahub-test-abstract"), _listener("\0/tmp/.X11-unix/X77"):
        for name in ("somahub-test-abstract", "/tmp/.X11-unix/X77"):
            _, said = ada.python(CONNECT, "AF_UNIX", "abstract", name)
            assert "REACHED" not in said
    display = "/tmp/.X11-unix/X1"
    bob.run(f"nohup python3 -c {shlex.quote(DISPLAY)} {display} >/dev/null 2>&1 & until test -S {display}; do :; done")
    assert bob.python(CONNECT, "AF_UNIX", "path", display) == (0, "REACHED\n")
    assert "REACHED" not in ada.python(CONNECT, "AF_UNIX", "path", display)[1]
    assert ada.run("find / -xdev -type s 2>/dev/null")[1] == ""


def test_no_port_of_the_host_by_any_of_its_addresses(ada: Desk) -> None:
    """A service that listens on every address of the host is out of reach: by loopback, its own, the gateway's."""
    with socket.create_server(("0.0.0.0", 0)) as careless:  # noqa: S104
        port = careless.getsockname()[1]
        for address in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost", *_addresses(), *_gateways()]:  # noqa: S104
            assert "REACHED" not in ada.python(CONNECT, "AF_INET", "port", f"{address}:{port}")[1], address


def test_no_port_of_another_session(ada: Desk, bob: Desk) -> None:
    """Another session's server is out of reach by any address: the proxy, which asks who one is, is the only way."""
    for address in ["127.0.0.1", *_addresses(), *_gateways()]:
        assert "REACHED" not in ada.python(CONNECT, "AF_INET", "port", f"{address}:{bob.port}")[1], address


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200"])
def test_a_clouds_metadata_is_out_of_reach(address: str, ada: Desk) -> None:
    """Where clouds hand out a machine's keys, no route leads."""
    code, said = ada.run(f"ip route get {address}")
    assert code != 0, said
    assert "REACHED" not in ada.python(CONNECT, "AF_INET", "port", f"{address}:80")[1]


def test_routes_cannot_be_changed(ada: Desk) -> None:
    """What is closed to a session it cannot open."""
    assert ada.run("ip route del blackhole 169.254.0.0/16")[0] != 0
    assert ada.run("ip route add 169.254.169.254 dev eth0")[0] != 0
    assert ada.run("ip addr add 10.9.8.7/24 dev eth0")[0] != 0


def test_ipv6_leads_nowhere(ada: Desk) -> None:
    """No route of IPv6 leaves a session, so none has to be closed."""
    assert json.loads(ada.run("ip -6 -j route show default")[1] or "[]") == []
    with socket.create_server(("::", 0), family=socket.AF_INET6) as careless:
        port = careless.getsockname()[1]
        for address in ["::1", *_addresses("inet6")]:
            assert "REACHED" not in ada.python(CONNECT, "AF_INET6", "port", f"{address}:{port}")[1], address


def test_every_address_of_the_host_is_closed(ada: Desk) -> None:
    """Each of the host's own addresses has a route into nowhere."""
    closed = {route["dst"] for route in json.loads(ada.run("ip -4 -j route show type blackhole")[1])}
    assert {"169.254.0.0/16", *_addresses()} <= closed


def test_the_internet_is_as_usual(ada: Desk) -> None:
    """A session resolves names by the host's resolver, and routes lead out, where the host has them."""
    assert ada.run("cat /etc/resolv.conf")[1].startswith("nameserver 198.18.0.53\n")
    assert ada.run("ip -4 route show default")[1].startswith("default via ")
    assert ada.run("getent hosts desk localhost")[0] == 0


@contextmanager
def _listener(name: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        yield


def _addresses(family: str = "inet") -> list[str]:
    said = json.loads(subprocess.check_output(["ip", "-j", "addr"]))
    every = [info["local"] for link in said for info in link.get("addr_info", []) if info["family"] == family]
    return [address for address in every if not address.startswith(("127.", "::1", "fe80"))]


def _gateways() -> list[str]:
    said = json.loads(subprocess.check_output(["ip", "-4", "-j", "route", "show", "default"]))
    return [route["gateway"] for route in said if "gateway" in route]
