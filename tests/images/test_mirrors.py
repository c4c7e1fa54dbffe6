"""How a machine reaches its registries, as a build step is told it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from somahub.images.mirrors import PLACE, Source, apt, script, sources


def told(text: str, place: Path, *ask: str) -> list[str]:
    """What variables are, after the script has run with its place in memory put elsewhere."""
    asked = "; ".join(f'printf "%s\\n" "${{{name}-unset}}"' for name in ask)
    whole = f"{text.replace(PLACE, str(place))}\n{asked}\n"
    done = subprocess.run(["sh", "-eu"], input=whole, capture_output=True, text=True, check=True, env={})
    return done.stdout.splitlines()


def test_settings_of_package_tools_reach_the_step_and_others_do_not(tmp_path: Path) -> None:
    environment = {
        "UV_DEFAULT_INDEX": 'https://ada:it\'s "secret"$@mirror.lab/simple',
        "https_proxy": "http://proxy.lab:3128",
        "PIP_FIND_LINKS": "/opt/wheels",
        "AWS_SECRET_ACCESS_KEY": "key",
        "SOMAHUB_DATA": "data",
    }
    assert told(script(environment, tmp_path), tmp_path / "in", *environment) == [
        environment["UV_DEFAULT_INDEX"],
        environment["https_proxy"],
        "unset",
        "unset",
        "unset",
    ]


def test_a_machines_own_authority_and_settings_are_found_by_each_tool(tmp_path: Path) -> None:
    (tmp_path / "own.crt").write_text("an authority $HOME `id`\n")
    (tmp_path / ".npmrc").write_text("registry=https://mirror.lab/npm\n")
    text = script({"SSL_CERT_FILE": str(tmp_path / "own.crt")}, tmp_path)
    authority, pip, npm = told(text, tmp_path / "in", "SSL_CERT_FILE", "PIP_CERT", "npm_config_userconfig")
    assert Path(authority).read_text() == "an authority $HOME `id`\n"
    assert pip == authority
    assert Path(npm).read_text() == "registry=https://mirror.lab/npm\n"


def test_apt_is_told_how_to_fetch_and_where_from(tmp_path: Path) -> None:
    said = 'APT "";\nAcquire::http::Proxy "http://proxy.lab:3142";\nAcquire::Languages "none";\n'
    release = Path("/etc/os-release").read_text()
    codename = next(line.split("=")[1] for line in release.splitlines() if line.startswith("VERSION_CODENAME="))
    mirrors = [Source("http://mirror.lab/debian", f"{name}-updates", ("main",)) for name in (codename, "hamm")]
    place = tmp_path / "in"
    place.mkdir()
    (file,) = told("\n".join(apt(said, ["machine mirror.lab login ada"], mirrors)), place, "APT_CONFIG")
    lines = Path(file).read_text().splitlines()
    assert 'Acquire::http::Proxy "http://proxy.lab:3142";' in lines
    assert not any("Languages" in line or "hamm" in line for line in lines)
    assert f'Dir::Etc::sourcelist "{place}/{codename}.list"; Dir::Etc::sourceparts "/dev/null";' in lines
    assert (place / f"{codename}.list").read_text() == f"deb http://mirror.lab/debian {codename}-updates main\n"
    assert f'Dir::Etc::netrc "{place}/apt-logins";' in lines


def test_the_script_leaves_nothing_where_it_has_nothing_to_say(tmp_path: Path) -> None:
    told(script({"SSL_CERT_FILE": "/nowhere"}, tmp_path), tmp_path / "in")
    assert {path.name for path in (tmp_path / "in").iterdir()} <= {"apt.conf", "pip.conf", "npmrc", "uv.toml"} | {
        path.name for path in (tmp_path / "in").glob("*.list")
    }


ONE_LINE = """\
# deb http://old.lab/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.lab/debian bookworm main contrib # the lab's
deb-src http://mirror.lab/debian bookworm main
deb http://download.docker.com/linux/debian bookworm stable
"""
STANZAS = """\
Types: deb deb-src
# a remark
URIs: http://mirror.lab/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.lab/debian
Suites: bookworm
Components: main
"""


def test_debians_mirrors_are_read_from_both_kinds_of_files() -> None:
    assert sources([("sources.list", ONE_LINE)]) == [
        Source("http://mirror.lab/debian", "bookworm", ("main", "contrib")),
    ]
    assert sources([("debian.sources", STANZAS)]) == [
        Source("http://mirror.lab/debian", suite, ("main",)) for suite in ("bookworm", "bookworm-updates")
    ]


def test_debians_own_addresses_are_no_mirror() -> None:
    assert sources([("sources.list", "deb http://deb.debian.org/debian bookworm main\n")]) == []


def test_a_suite_is_of_one_debian() -> None:
    suites = ("bookworm", "bookworm-security", "bookworm/updates")
    assert {Source("http://m", suite, ("main",)).codename for suite in suites} == {"bookworm"}


def test_it_works_with_what_this_machine_has(tmp_path: Path) -> None:
    (file,) = told(script(os.environ, Path.home()), tmp_path / "in", "APT_CONFIG")
    assert Path(file).is_file()
