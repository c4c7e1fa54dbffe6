"""How this machine reaches its package registries, as a script that a build step runs before anything else.

Certificates, proxies, and the settings of pip, uv, npm and apt: as far as this machine has any. The script goes into a
build as a secret and unpacks itself into memory, so nothing of it is left in an image.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from somahub.local.runner import CERTIFICATES, SYSTEM_PATH, passed

PLACE = "/dev/shm/machine"  # noqa: S108  memory, of one step of a build alone
END = "END-OF-THIS-FILE"
STOCK = "http://deb.debian.org/debian"

# What of apt's settings says how packages are fetched.
_APT = re.compile(r"^Acquire::(?:https?::|ftp::|Check-|Retries|Force|Allow|Max-|Queue-).*;$", re.MULTILINE)
_COMPONENTS = frozenset({"main", "contrib", "non-free", "non-free-firmware"})
_CERTIFIED = ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "REQUESTS_CA_BUNDLE")

# What a file of settings becomes inside a build, the variable that then points to it, and where it is on this machine:
# the first that is there counts.
_SETTINGS = (
    ("uv.toml", "UV_CONFIG_FILE", ("~/.config/uv/uv.toml", "/etc/uv/uv.toml")),
    ("pip.conf", "PIP_CONFIG_FILE", ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")),
    ("npmrc", "npm_config_userconfig", ("~/.npmrc", "/etc/npmrc")),
    ("netrc", "NETRC", ("~/.netrc",)),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One line of apt's sources."""

    address: str
    suite: str
    components: tuple[str, ...]

    @property
    def codename(self) -> str:
        """The Debian that it is of, as ``bookworm``."""
        return re.split(r"[-/]", self.suite)[0]


def script(environment: Mapping[str, str], home: Path) -> str:
    """The script for a caller with this environment and home."""
    says = {n: v for n, v in environment.items() if passed(n) and not n.startswith("SOMAHUB_")}
    # A path of this machine means nothing inside a build.
    lines = [f"export {n}={shlex.quote(v)}" for n, v in sorted(says.items()) if not v.startswith("/")]
    authority = Path(environment.get("SSL_CERT_FILE") or CERTIFICATES)
    if authority.is_file():
        lines += [_file("ca.crt", authority.read_text()), *(_points(variable, "ca.crt") for variable in _CERTIFIED)]
    for name, variable, places in _SETTINGS:
        for place in (environment.get(variable, ""), *places):
            path = Path(place.replace("~", str(home), 1))
            if place and path.is_file():
                lines += [_file(name, path.read_text()), _points(variable, name)]
                break
    lines += apt(_said_by_apt(), [file.read_text() for file in _logins()], sources(_apt_files()))
    return "\n".join(["umask 022", f"mkdir -p {PLACE}", *lines, ""])


def apt(said: str, logins: Iterable[str], mirrors: Iterable[Source]) -> list[str]:
    """The part of the script that is apt's, from what ``apt-config dump`` said, its log-ins and its sources."""
    lines = [_file("apt.conf", "\n".join(_APT.findall(said)))]
    more = [f"[ ! -s {PLACE}/ca.crt ] || echo 'Acquire::https::CAInfo \"{PLACE}/ca.crt\";'"]
    if text := "\n".join(logins):
        lines.append(_file("apt-logins", text))
        more.append(f"echo 'Dir::Etc::netrc \"{PLACE}/apt-logins\";'")
    for codename in sorted({mirror.codename for mirror in mirrors}):
        # They are of use to an image of the same Debian alone.
        entries = [f"deb {m.address} {m.suite} {' '.join(m.components)}" for m in mirrors if m.codename == codename]
        lines.append(_file(f"{codename}.list", "\n".join(entries)))
        use = f'Dir::Etc::sourcelist "{PLACE}/{codename}.list"; Dir::Etc::sourceparts "/dev/null";'
        more.append(f"if grep -qx VERSION_CODENAME={codename} /etc/os-release; then echo '{use}'; fi")
    return [*lines, f"{{ {'; '.join(more)}; }} >>{PLACE}/apt.conf", _points("APT_CONFIG", "apt.conf")]


def sources(files: Iterable[tuple[str, str]]) -> list[Source]:
    """Where this machine has Debian from, by its own mirrors, from apt's files (name, text).

    Nothing where it has it from Debian's own addresses: these every image knows.
    """
    parsed = (_stanzas(text) if name.endswith(".sources") else _lines(text) for name, text in files)
    found = [source for entries in parsed for source in entries]
    debian = [source for source in found if source.components and set(source.components) <= _COMPONENTS]
    own = any(not re.match(r"https?://(deb|security|ftp|snapshot)\.debian\.org/", source.address) for source in debian)
    return debian if own else []


def mirror(codename: str) -> str:
    """Where to fetch a whole Debian of that name from."""
    there = [source.address for source in sources(_apt_files()) if source.suite == codename]
    return there[0] if there else STOCK


def _lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = re.sub(r"\[.*?\]", "", line.partition("#")[0]).split()
        if len(words) > 3 and words[0] == "deb":
            yield Source(words[1], words[2], tuple(words[3:]))


def _stanzas(text: str) -> Iterator[Source]:
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", bare):
        fields = re.findall(r"^([\w-]+):((?:.*(?:\n[ \t].*)*))", stanza, re.MULTILINE)
        said = {name.lower(): value.split() for name, value in fields}
        if "deb" not in said.get("types", []) or said.get("enabled") == ["no"]:
            continue
        for address in said.get("uris", []):
            for suite in said.get("suites", []):
                yield Source(address, suite, tuple(said.get("components", [])))


def _file(name: str, text: str) -> str:
    return f"cat >{PLACE}/{name} <<'{END}'\n{text.rstrip()}\n{END}"


def _points(variable: str, name: str) -> str:
    return f"export {variable}={PLACE}/{name}"


def _said_by_apt() -> str:
    try:
        command = ["apt-config", "dump"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": SYSTEM_PATH}).stdout
    except FileNotFoundError:
        return ""  # no Debian, so nothing to say of how it fetches packages


def _apt_files() -> list[tuple[str, str]]:
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    return [(file.name, file.read_text()) for file in files if file.is_file() and file.suffix in (".list", ".sources")]


def _logins() -> list[Path]:
    folder = Path("/etc/apt")
    files = [folder / "auth.conf", *sorted((folder / "auth.conf.d").glob("*.conf"))]
    return [file for file in files if file.is_file()]
