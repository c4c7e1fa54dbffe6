"""What the doctor says of a machine, for facts of every kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from somahub.local import doctor
from somahub.local.doctor import GIB, Facts, Port, blocked, findings

WELL = Facts(
    python=(3, 11),
    packages=(),
    namespaces_fault="",
    userns_clone="1",
    apparmor_restricts="",
    max_namespaces="1000",
    tun_fault="",
    ports=(Port("SOMAHUB_PORT", 8000, None),),
    data="/data",
    data_fault="",
    data_free=100 * GIB,
    cache="/cache",
    cache_free=100 * GIB,
    gpus=(),
    gpu_fault="",
    behind=0,
    stale=(),
    running=False,
)

DENIED = "unshare: unshare failed: Operation not permitted"

BLOCKING = [
    (replace(WELL, python=(3, 10)), "Python 3.10 is too old", "Debian 12"),
    (
        replace(WELL, packages=("passt", "tint2")),
        "missing: passt tint2",
        "apt-get install --no-install-recommends -y passt tint2",
    ),
    (
        replace(WELL, namespaces_fault=DENIED, userns_clone="0"),
        "unprivileged_userns_clone is 0",
        "unprivileged_userns_clone=1",
    ),
    (
        replace(WELL, namespaces_fault=DENIED, apparmor_restricts="1"),
        "AppArmor",
        "apparmor_restrict_unprivileged_userns=0",
    ),
    (
        replace(WELL, namespaces_fault=DENIED, max_namespaces="0"),
        "max_user_namespaces is 0",
        "user.max_user_namespaces=",
    ),
    (replace(WELL, namespaces_fault=DENIED), DENIED, "container"),
    (replace(WELL, tun_fault="/dev/net/tun is closed to ordinary users"), "is closed", "chmod 0666 /dev/net/tun"),
    (replace(WELL, tun_fault="/dev/net/tun is missing"), "is missing", "modprobe tun"),
    (
        replace(WELL, ports=(Port("SOMAHUB_HUB_PORT", 8081, "process 7"),)),
        "8081 is taken by process 7",
        "SOMAHUB_HUB_PORT=",
    ),
    (replace(WELL, data_fault="/data belongs to another user"), "belongs to another user", "ls -ld /data"),
    (replace(WELL, data_free=GIB // 2), "only 0.5 GiB free for the data folder /data", "SOMAHUB_DATA="),
    (replace(WELL, cache_free=2 * GIB), "only 2.0 GiB free for the cache folder /cache", "SOMAHUB_CACHE="),
]

TELLING = [
    (replace(WELL, cache_free=8 * GIB), "DeepLabCut's environment may need 12 GiB", "SOMAHUB_CACHE="),
    (replace(WELL, gpu_fault="Driver/library version mismatch"), "Driver/library version mismatch", "nvidia-smi"),
    (replace(WELL, behind=7200), "the clock is at least 2.0 h slow", "set-ntp"),
    (replace(WELL, stale=("the session a has lost its holder",)), "the session a has lost its holder", "make up"),
]


def test_a_machine_that_is_well_gets_no_complaint() -> None:
    assert {finding.level for finding in findings(WELL)} == {"fine"}
    assert not blocked(findings(WELL))


@pytest.mark.parametrize(("facts", "line", "mend"), BLOCKING)
def test_what_blocks_comes_first_on_one_line_with_the_command_that_mends_it(facts: Facts, line: str, mend: str) -> None:
    first = findings(facts)[0]
    assert (first.level, blocked(findings(facts))) == ("blocks", True)
    assert line in first.line
    assert mend in first.mend
    assert "\n" not in first.line + first.mend


@pytest.mark.parametrize(("facts", "line", "mend"), TELLING)
def test_what_does_not_block_is_told_and_keeps_nobody_from_starting(facts: Facts, line: str, mend: str) -> None:
    first = findings(facts)[0]
    assert (first.level, blocked(findings(facts))) == ("beware", False)
    assert line in first.line
    assert mend in first.mend


def test_several_switches_that_forbid_sandboxes_are_all_named() -> None:
    facts = replace(WELL, namespaces_fault=DENIED, userns_clone="0", apparmor_restricts="1")
    assert sum(finding.level == "blocks" for finding in findings(facts)) == 2


def test_gpus_are_named_and_their_absence_is_said() -> None:
    lines = [finding.line for finding in findings(replace(WELL, gpus=("NVIDIA H200",)))]
    assert "GPUs: NVIDIA H200" in lines
    assert any("no NVIDIA GPU" in finding.line for finding in findings(WELL))


def test_a_switch_is_mended_for_good_and_at_once() -> None:
    mend = doctor.findings(replace(WELL, namespaces_fault=DENIED, userns_clone="0"))[0].mend
    assert "/etc/sysctl.d/" in mend
    assert "sysctl --system" in mend
