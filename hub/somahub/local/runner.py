"""Run things as the hub's unprivileged user, with an environment that says only what is needed."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

# How a lab reaches its package mirror, and what it set for somahub; nothing else of the caller's environment.
_PASSED = ("LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "NETRC")
# What builds the test cluster, and names another one.
_PASSED_CLUSTER = ("GOCACHE", "GOFLAGS", "GOMODCACHE", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB", "KUBECONFIG")
_PASSED_FAMILIES = ("SOMAHUB_", "UV_", "PIP_", "npm_config_", "NPM_CONFIG_")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs commands as ``user``, or as whoever we are where that is None."""

    user: pwd.struct_passwd | None
    environment: Mapping[str, str]

    def run(
        self,
        command: Sequence[str | Path],
        *,
        given: bytes | None = None,
        cwd: Path = Path("/"),
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end; what it says comes back as one stream of bytes."""
        return subprocess.run(
            [str(word) for word in command],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**self.environment, **(extra or {})},
            check=False,
            umask=0o077,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )

    def show(
        self, command: Sequence[str | Path], *, cwd: Path = Path("/"), extra: Mapping[str, str] | None = None
    ) -> int:
        """Run it to its end with our own output; returns its exit status."""
        return subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env={**self.environment, **(extra or {})},
            check=False,
            umask=0o077,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        ).returncode

    def become(self, command: Sequence[str | Path]) -> NoReturn:
        """Turn into the command, as the user; never comes back."""
        if self.user:
            os.initgroups(self.user.pw_name, self.user.pw_gid)
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        os.umask(0o077)
        os.chdir("/")
        words = [str(word) for word in command]
        os.execve(words[0], words, dict(self.environment))  # noqa: S606  no shell is wanted

    @property
    def _user(self) -> int | None:
        return self.user.pw_uid if self.user else None

    @property
    def _group(self) -> int | None:
        return self.user.pw_gid if self.user else None

    @property
    def _groups(self) -> list[int] | None:
        return os.getgrouplist(self.user.pw_name, self.user.pw_gid) if self.user else None


def runner(user: pwd.struct_passwd | None, caller: Mapping[str, str], home: Path, cache: Path) -> Runner:
    """A runner whose commands live in ``home`` and keep packages below ``cache``."""
    environment = {name: value for name, value in caller.items() if passed(name)}
    environment.update(
        PATH=SYSTEM_PATH,
        HOME=str(home),
        USER=user.pw_name if user else pwd.getpwuid(os.getuid()).pw_name,
        LANG=environment.get("LANG", "C.UTF-8"),
        UV_CACHE_DIR=str(cache / "uv"),
        UV_PYTHON_DOWNLOADS="never",
        UV_SYSTEM_CERTS="true",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        NODE_USE_SYSTEM_CA="1",
        PYTHONDONTWRITEBYTECODE="1",
    )
    if CERTIFICATES.exists():
        # The system's certificates hold a lab's own authority; Python packages bring a list that does not.
        environment.setdefault("PIP_CERT", str(CERTIFICATES))
        environment.setdefault("NODE_EXTRA_CA_CERTS", str(CERTIFICATES))
    return Runner(user, environment)


def passed(name: str) -> bool:
    """Whether a variable of the caller's environment is handed on."""
    return name in (*_PASSED, *_PASSED_CLUSTER) or name.startswith(_PASSED_FAMILIES) or name.lower().endswith("_proxy")
